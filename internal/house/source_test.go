package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/zfleet/zfleet"

// goPackage is one folder with Go files. Tests of the outside (package x_test) count as its tests.
type goPackage struct {
	name    string
	imports map[string]bool // of the files that are not tests
	docs    []string        // package comments; those of test files only where there is nothing else
	files   int             // that are not tests
}

// packages reads the whole module. Keys are folders: proxy/zmtp.
func packages(t *testing.T) map[string]*goPackage {
	t.Helper()
	all := map[string]*goPackage{}
	tests := map[string][]*ast.File{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != root && (entry.Name()[0] == '.' || entry.Name() == "testdata" || entry.Name() == "bin"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(file, ".go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		if all[dir] == nil {
			all[dir] = &goPackage{imports: map[string]bool{}}
		}
		if strings.HasSuffix(file, "_test.go") {
			tests[dir] = append(tests[dir], parsed)
			return nil
		}
		all[dir].add(parsed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, files := range tests {
		all[dir].addTests(files)
	}
	return all
}

func (p *goPackage) add(file *ast.File) {
	p.files++
	p.name = file.Name.Name
	for _, i := range file.Imports {
		if name, err := strconv.Unquote(i.Path.Value); err == nil {
			p.imports[name] = true
		}
	}
	p.addDoc(file)
}

func (p *goPackage) addDoc(file *ast.File) {
	if doc := file.Doc.Text(); doc != "" {
		p.docs = append(p.docs, doc)
	}
}

// addTests takes the name and the comment of a package that is nothing but tests.
func (p *goPackage) addTests(files []*ast.File) {
	for _, file := range files {
		if p.files == 0 && !strings.HasSuffix(file.Name.Name, "_test") {
			p.name = file.Name.Name
			p.addDoc(file)
		}
	}
}

// links is everything that a package is linked with, except the standard library and what lies behind other modules.
func links(all map[string]*goPackage, dir string) map[string]bool {
	found := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		if all[dir] == nil {
			return
		}
		for name := range all[dir].imports {
			if external(name) && !found[name] {
				found[name] = true
				visit(inModule(name))
			}
		}
	}
	visit(dir)
	return found
}

// external says whether an import path is not the standard library's.
func external(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return strings.Contains(first, ".")
}

// inModule is the folder of one of our packages, or "".
func inModule(name string) string {
	dir, ok := strings.CutPrefix(name, module+"/")
	if !ok {
		return ""
	}
	return dir
}

// matches says whether a folder fits a pattern, which may end in /... for all folders below.
func matches(pattern, dir string) bool {
	below, ok := strings.CutSuffix(pattern, "/...")
	if !ok {
		return pattern == dir
	}
	return strings.HasPrefix(dir, below+"/") || path.Clean(below) == dir
}
