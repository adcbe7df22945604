package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"sort"
	"strings"
)

type Item struct {
	Name  string `json:"name"`
	Price int    `json:"price"`
	Tags  []string
}

type byPrice []Item

func (b byPrice) Len() int           { return len(b) }
func (b byPrice) Less(i, j int) bool { return b[i].Price < b[j].Price }
func (b byPrice) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

func Map[T, U any](in []T, f func(T) U) []U {
	out := make([]U, 0, len(in))
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

func total(items []Item) (sum int) {
	for _, it := range items {
		sum += it.Price
	}
	return
}

func main() {
	items := []Item{{"b", 2, nil}, {"a", 1, []string{"x"}}}
	sort.Sort(byPrice(items))
	names := Map(items, func(i Item) string { return strings.ToUpper(i.Name) })
	j, _ := json.Marshal(items)
	fmt.Println(names, string(j), total(items), regexp.MustCompile("a+").FindString("baab"))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s", r.URL.Path) })
	if len(os.Args) > 1 {
		http.ListenAndServe(os.Args[1], nil)
	}
}
