// Command apilist prints every exported name of the packages that a host can
// import, a line each with its signature, so that a change of the surface is a
// visible line in a diff: CI compares it with api.txt beside this file.
//
//	go run ./internal/apilist > internal/apilist/api.txt
//	go run ./internal/apilist -count    # lines, names, lines of code and comments by package
//	go run ./internal/apilist -uses     # the share of names that other packages use
//	go run ./internal/apilist -idle     # and the names that none uses
package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/scanner"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	count := flag.Bool("count", false, "print instead by package the numbers of lines of the listing, of names (without fields and methods of interfaces), of lines of code and of comments")
	used := flag.Bool("uses", false, "print instead by package the names and the share that other packages use")
	idle := flag.Bool("idle", false, "with -uses: before that the names that no other package uses")
	root := flag.String("root", ".", "root of the tree")
	flag.Parse()
	dir, err := filepath.Abs(*root)
	if err == nil && (*used || *idle) {
		err = uses(os.Stdout, dir, *idle)
	} else if err == nil {
		err = run(os.Stdout, os.DirFS(dir), *count)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "apilist:", err)
		os.Exit(1)
	}
}

// pkg is what one folder has.
type pkg struct {
	lines    []string // exported names with their signatures
	code     int      // lines with code, without tests, comments and blanks
	comments int      // lines with nothing but a comment
}

// names is how many of the lines are neither fields nor methods of interfaces.
func (p *pkg) names() int {
	n := 0
	for _, l := range p.lines {
		if !strings.HasPrefix(l, "type ") || !strings.Contains(l, " struct, ") && !strings.Contains(l, " interface, ") {
			n++
		}
	}
	return n
}

func run(w io.Writer, root fs.FS, count bool) error {
	pkgs := map[string]*pkg{}
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go"):
			return nil
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		dir := path.Dir(p)
		if pkgs[dir] == nil {
			pkgs[dir] = &pkg{}
		}
		code, comments := countLines(src)
		pkgs[dir].code += code
		pkgs[dir].comments += comments
		lines, err := exported(p, src)
		pkgs[dir].lines = append(pkgs[dir].lines, lines...)
		return err
	})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	host, whole := pkg{}, pkg{}
	names := 0
	for _, dir := range slices.Sorted(keys(pkgs)) {
		p := pkgs[dir]
		whole.code += p.code
		whole.comments += p.comments
		if !public(dir) {
			continue
		}
		slices.Sort(p.lines)
		host.code += p.code
		host.comments += p.comments
		names += p.names()
		host.lines = append(host.lines, p.lines...)
		if count {
			fmt.Fprintf(&b, "%6d %6d %6d %6d  %s\n", len(p.lines), p.names(), p.code, p.comments, dir)
			continue
		}
		for _, l := range p.lines {
			fmt.Fprintf(&b, "%s: %s\n", dir, l)
		}
	}
	if count {
		fmt.Fprintf(&b, "%6d %6d %6d %6d  lines of the listing, names, lines of code and of comments that a host can import\n", len(host.lines), names, host.code, host.comments)
		fmt.Fprintf(&b, "              %6d %6d  with everything: %.3f comments by line of code\n", whole.code, whole.comments, float64(whole.comments)/float64(max(whole.code, 1)))
	}
	_, err = w.Write(b.Bytes())
	return err
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// public reports whether a host can import a folder.
func public(dir string) bool {
	parts := strings.Split(dir, "/")
	return !slices.Contains(parts, "internal") && parts[0] != "examples"
}

// countLines counts the lines on which a token stands, and those with nothing but a comment.
func countLines(src []byte) (code, comments int) {
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, scanner.ScanComments)
	lines := map[int]bool{} // true: with a token
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			break
		}
		if tok == token.SEMICOLON && text == "\n" {
			continue
		}
		first := file.Line(pos)
		for i := range strings.Count(text, "\n") + 1 { // a raw string, a long comment
			lines[first+i] = lines[first+i] || tok != token.COMMENT
		}
	}
	for _, c := range lines {
		if c {
			code++
		} else {
			comments++
		}
	}
	return code, comments
}

// exported lists the exported names of a file.
func exported(name string, src []byte) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, 0)
	if err != nil {
		return nil, err
	}
	if file.Name.Name == "main" {
		return nil, nil
	}
	var out []string
	var failed error
	text := func(n any) string {
		var b bytes.Buffer
		failed = errors.Join(failed, (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, fset, n))
		return strings.Join(strings.Fields(b.String()), " ")
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if !d.Name.IsExported() || d.Recv != nil && !ast.IsExported(receiver(d)) {
				continue
			}
			d.Body = nil
			out = append(out, text(d))
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.ValueSpec:
					for _, n := range s.Names {
						if n.IsExported() {
							line := d.Tok.String() + " " + n.Name
							if s.Type != nil {
								line += " " + text(s.Type)
							}
							out = append(out, line)
						}
					}
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						out = append(out, typeLines(s, text)...)
					}
				}
			}
		}
	}
	return out, failed
}

func receiver(d *ast.FuncDecl) string {
	for t := d.Recv.List[0].Type; ; {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// typeLines gives a type a line, and each exported field of a struct and method of an
// interface.
func typeLines(s *ast.TypeSpec, text func(any) string) []string {
	name := "type " + s.Name.Name
	var fields *ast.FieldList
	kind := ""
	switch t := s.Type.(type) {
	case *ast.StructType:
		fields, kind = t.Fields, "struct"
	case *ast.InterfaceType:
		fields, kind = t.Methods, "interface"
	default:
		if s.Assign.IsValid() {
			name += " ="
		}
		return []string{name + " " + text(s.Type)}
	}
	out := []string{name + " " + kind}
	for _, f := range fields.List {
		if len(f.Names) == 0 {
			if t := text(f.Type); ast.IsExported(cmp.Or(strings.TrimLeft(t[strings.LastIndex(t, ".")+1:], "*"), t)) {
				out = append(out, name+" "+kind+", embeds "+t)
			}
		}
		for _, n := range f.Names {
			if n.IsExported() {
				out = append(out, name+" "+kind+", "+n.Name+" "+text(f.Type))
			}
		}
	}
	return out
}
