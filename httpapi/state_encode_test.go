package httpapi

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// fill gives everything in a value some value, and pointers sometimes none.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli(r.Int64N(4e12)).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.SetZero(); r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(4), 4))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.String:
		texts := []string{"", "epubcfi(/6/4!/4/2)", "<&>\u2028\x00\t\"\\", "日本語 \U0001F4D6", "a\nb"}
		v.SetString(texts[r.IntN(len(texts))])
	case reflect.Int64:
		v.SetInt(r.Int64() >> r.IntN(60))
	case reflect.Float64:
		v.SetFloat([]float64{0, 1, 0.5, 1e-9, 0.1 + 0.2, 4.5}[r.IntN(6)])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	default:
		panic(v.Kind())
	}
}

// TestEncoders: what writes itself says what encoding/json would say.
func TestEncoders(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, v := range []selfEncoder{statesJSON{}, statePageJSON{}, stateJSON{}, wonJSON{}} {
		for range 200 {
			value := reflect.New(reflect.TypeOf(v)).Elem()
			fill(r, value)
			want, err := json.Marshal(value.Interface())
			if err != nil {
				t.Fatal(err)
			}
			got := value.Interface().(selfEncoder).appendJSON(nil)
			var a, b any
			if err := json.Unmarshal(got, &a); err != nil {
				t.Fatalf("%v: %s", err, got)
			}
			if err := json.Unmarshal(want, &b); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("%s\nis not %s", got, want)
			}
		}
	}
}
