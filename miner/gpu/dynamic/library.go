// Package dynamic loads libraries of drivers at run time and without cgo, and sets the
// fields of a struct to their functions.
package dynamic

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/ebitengine/purego"
)

// ErrMissing is a library that lacks a function: it is older than those that are
// supported, or another one.
var ErrMissing = errors.New("it has no function")

// Library is a loaded one. It stays loaded, since drivers have threads of their own.
type Library uintptr

// Open loads a library by its path, or by its name from where the system looks for
// them. Errors are the loader's.
func Open(path string) (Library, error) {
	handle, err := open(path)
	return Library(handle), err
}

// Bind sets each field of the struct that functions points to, all of which are
// functions. Their names in the library begin with a prefix, behind which stands what
// the field's tag has as "symbol" or, without one, the field's own name. Errors are
// ErrMissing.
func (l Library) Bind(prefix string, functions any) error {
	fields := reflect.ValueOf(functions).Elem()
	for i := range fields.NumField() {
		field := fields.Type().Field(i)
		name := prefix + field.Name
		if other, found := field.Tag.Lookup("symbol"); found {
			name = prefix + other
		}
		address, err := symbol(uintptr(l), name)
		if err != nil { // purego panics if it is asked to register a missing one
			return fmt.Errorf("%w %s: %w", ErrMissing, name, err)
		}
		purego.RegisterFunc(fields.Field(i).Addr().Interface(), address)
	}
	return nil
}
