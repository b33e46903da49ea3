package opencl

import "reflect"

// function is a field of the library and the name that the specification has for it.
type function struct {
	field any // a pointer to it
	name  string
}

func functions(l *library) (list []function) {
	fields := reflect.ValueOf(l).Elem()
	for i := range fields.NumField() {
		description := fields.Type().Field(i)
		name := description.Name
		if other := description.Tag.Get("symbol"); other != "" {
			name = other
		}
		list = append(list, function{fields.Field(i).Addr().Interface(), "cl" + name})
	}
	return list
}
