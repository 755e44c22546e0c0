package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// listed is what the go command says of a package, or of a package together with its tests.
type listed struct {
	ImportPath, Dir, Export, ForTest string
	CompiledGoFiles                  []string
	ImportMap                        map[string]string
	Module                           *struct{ Main bool }
}

// share counts the names of a package, and those that others use.
type share struct {
	names   int
	library int // in the code of other packages that a host can import
	any     int // there, in examples, or in tests of other packages
}

// name is one exported name: a constant, variable, type, function, or method of an
// exported type. Fields and methods of interfaces belong to their type.
type name struct {
	dir, text    string
	library, any bool
}

// uses prints for each package that a host can import how many names it has and how many
// of them other packages use, and before that, if idle is set, the names that none uses. It
// fails if the go command does, or if a package does not compile. The compiler's export
// data says what is imported, so that only the packages of the workspace are checked here.
func uses(w io.Writer, root string, idle bool) error {
	pkgs, err := load(root)
	if err != nil {
		return err
	}
	names := map[string]*name{} // by the place of the declaration
	type use struct {
		at, dir string
		library bool
	}
	var seen []use
	for _, p := range pkgs {
		base, _, _ := strings.Cut(p.ImportPath, " ")
		own := p.ForTest == "" || strings.TrimSuffix(base, "_test") == p.ForTest
		if p.Module == nil || !p.Module.Main || !own || strings.HasSuffix(p.ImportPath, ".test") {
			continue // another module's, or compiled once more for the tests of another package
		}
		dir, err := filepath.Rel(root, p.Dir)
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		fset, info, err := check(p, base, pkgs)
		if err != nil {
			return err
		}
		test := func(o token.Pos) bool { return strings.HasSuffix(fset.File(o).Name(), "_test.go") }
		for _, o := range info.Defs {
			if text := named(o); text != "" && public(dir) && !test(o.Pos()) {
				names[place(fset, o)] = &name{dir: dir, text: text}
			}
		}
		for id, o := range info.Uses {
			if o.Exported() && o.Pkg() != nil && o.Pos().IsValid() {
				seen = append(seen, use{place(fset, o), dir, public(dir) && !test(id.Pos())})
			}
		}
	}
	for _, u := range seen {
		if n := names[u.at]; n != nil && n.dir != u.dir {
			n.any = true
			n.library = n.library || u.library
		}
	}
	return report(w, names, idle)
}

func report(w io.Writer, names map[string]*name, idle bool) error {
	by, all := map[string]*share{}, &share{}
	var unused []string
	for _, n := range names {
		if by[n.dir] == nil {
			by[n.dir] = &share{}
		}
		for _, s := range []*share{by[n.dir], all} {
			s.names++
			if n.library {
				s.library++
			}
			if n.any {
				s.any++
			}
		}
		if !n.any {
			unused = append(unused, n.dir+": "+n.text)
		}
	}
	slices.Sort(unused)
	if !idle {
		unused = nil
	}
	for _, u := range unused {
		if _, err := fmt.Fprintln(w, u); err != nil {
			return err
		}
	}
	line := func(dir string, s *share) error {
		_, err := fmt.Fprintf(w, "%6d %5.1f %% %5.1f %%  %s\n", s.names,
			100*float64(s.library)/float64(s.names), 100*float64(s.any)/float64(s.names), dir)
		return err
	}
	for _, dir := range slices.Sorted(keys(by)) {
		if err := line(dir, by[dir]); err != nil {
			return err
		}
	}
	return line("names; used by the library's other packages; by examples and other tests, too", all)
}

// load asks the go command for the packages of the workspace, their tests and all that
// they import.
func load(root string) (map[string]*listed, error) {
	cmd := exec.Command("go", "list", "-deps", "-test", "-export", "-compiled", "-json=ImportPath,Dir,Export,ForTest,CompiledGoFiles,ImportMap,Module", "work")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	pkgs := map[string]*listed{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := &listed{}
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return pkgs, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		pkgs[p.ImportPath] = p
	}
}

// check parses and type-checks the files of one package.
func check(p *listed, path string, pkgs map[string]*listed) (*token.FileSet, *types.Info, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, f := range p.CompiledGoFiles {
		if !filepath.IsAbs(f) {
			f = filepath.Join(p.Dir, f)
		}
		file, err := parser.ParseFile(fset, f, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, file)
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		q := pkgs[cmp.Or(p.ImportMap[path], path)]
		if q == nil || q.Export == "" {
			return nil, fmt.Errorf("%s imports %s, of which the go command says nothing", p.ImportPath, path)
		}
		return os.Open(q.Export)
	})}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	_, err := conf.Check(path, fset, files, info)
	return fset, info, err
}

// place identifies an object in source and in export data alike: by file, line and name.
func place(fset *token.FileSet, o types.Object) string {
	if f, ok := o.(*types.Func); ok {
		o = f.Origin()
	}
	at := fset.Position(o.Pos())
	return fmt.Sprintf("%s:%d %s", at.Filename, at.Line, o.Name())
}

// named gives the text of an object if it is one of the names that count, otherwise "".
func named(o types.Object) string {
	if o == nil || !o.Exported() || o.Pkg() == nil || o.Pkg().Name() == "main" {
		return ""
	}
	f, ok := o.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		if o.Parent() != o.Pkg().Scope() {
			return ""
		}
		return o.Name()
	}
	t := f.Signature().Recv().Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := t.(*types.Named)
	if !ok || types.IsInterface(n) || !n.Obj().Exported() {
		return ""
	}
	return n.Obj().Name() + "." + o.Name()
}
