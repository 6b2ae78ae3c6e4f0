package cache_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
)

func Example() {
	ctx := context.Background()
	// In a server: ristrettocache and rediscache, and go c.Run(ctx).
	c := cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{})})
	errNotFound := errors.New("no such shelf")
	shelves, err := cache.NewNamespace(c, cache.NamespaceOptions[string]{
		Name: "shelf", TTL: time.Hour, NotFound: errNotFound,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	database := map[string]string{"maps": "third floor"}
	find := func(name string) {
		place, err := shelves.Get(ctx, name, func(context.Context) (string, error) {
			fmt.Println("asking the database for", name)
			if place, ok := database[name]; ok {
				return place, nil
			}
			return "", errNotFound
		})
		fmt.Println(place, err)
	}
	find("maps")
	find("maps")
	find("atlases")
	database["maps"] = "cellar"
	shelves.Forget(ctx, "maps")
	find("maps")
	// Output:
	// asking the database for maps
	// third floor <nil>
	// third floor <nil>
	// asking the database for atlases
	//  no such shelf
	// asking the database for maps
	// cellar <nil>
}
