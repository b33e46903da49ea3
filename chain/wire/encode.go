package wire

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// AppendCompact appends v as the original's web framework writes it: keys
// sorted, no blanks, ASCII only, and without the final newline. v may be nil,
// a bool, string, int, int64, uint64, float64, Number, Block, Transaction, a
// slice of any, string, Block or Transaction, or a map[string]any; any other
// type is a mistake of the caller and panics.
func AppendCompact(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return AppendQuoted(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case float64:
		return append(dst, Float(v).JSON()...)
	case Number:
		return append(dst, v.JSON()...)
	case Block:
		return v.AppendCompact(dst)
	case Transaction:
		return v.AppendCompact(dst)
	case []any:
		return appendList(dst, v, AppendCompact)
	case []string:
		return appendList(dst, v, AppendQuoted)
	case []Block:
		return appendList(dst, v, func(dst []byte, b Block) []byte { return b.AppendCompact(dst) })
	case []Transaction:
		return appendList(dst, v, func(dst []byte, t Transaction) []byte { return t.AppendCompact(dst) })
	case map[string]any:
		return appendMap(dst, v)
	}
	panic(fmt.Sprintf("wire: no JSON form for a %T", v))
}

func appendList[T any](dst []byte, items []T, one func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, compact.item...)
		}
		dst = one(dst, item)
	}
	return append(dst, ']')
}

func appendMap(dst []byte, m map[string]any) []byte {
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			dst = append(dst, compact.item...)
		}
		dst = AppendQuoted(dst, key)
		dst = append(dst, compact.key...)
		dst = AppendCompact(dst, m[key])
	}
	return append(dst, '}')
}
