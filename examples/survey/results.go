package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/survey/export"
	"github.com/vefacrm/vefa/survey/export/parquet"
	"github.com/vefacrm/vefa/survey/export/xlsx"
)

// rows reads the answers in the order of their ids, which says nothing about when they came.
func (s *store) rows(ctx context.Context) iter.Seq2[export.Row, error] {
	return func(yield func(export.Row, error) bool) {
		list, err := s.db.QueryContext(ctx, "SELECT id, at, response FROM answers ORDER BY id")
		if err != nil {
			yield(export.Row{}, err)
			return
		}
		defer func() { _ = list.Close() }()
		for list.Next() {
			var id int64
			var at, response string
			row := export.Row{}
			err := list.Scan(&id, &at, &response)
			if err == nil {
				row.ID = strconv.FormatUint(uint64(id), 36)
				row.At, err = time.Parse(time.RFC3339, at)
			}
			if err == nil {
				err = json.Unmarshal([]byte(response), &row.Response)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := list.Err(); err != nil {
			yield(export.Row{}, err)
		}
	}
}

// export writes all answers to a file, by the end of its name.
func (s *store) export(ctx context.Context, file string, out io.Writer) (err error) {
	write := map[string]func(io.Writer, *export.Table, iter.Seq2[export.Row, error]) (int, error){
		".csv": export.CSV, ".json": export.JSON, ".xlsx": xlsx.Write, ".parquet": parquet.Write,
	}[strings.ToLower(filepath.Ext(file))]
	if write == nil {
		return fmt.Errorf("-export: %s is no .csv, .json, .xlsx or .parquet", file)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := bufio.NewWriter(f)
	n, err := write(b, export.NewTable(s.def, export.Options{}), s.rows(ctx))
	if err := errors.Join(err, b.Flush()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d answers in %s\n", n, file)
	return err
}
