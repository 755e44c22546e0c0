package main

import (
	"context"
	"iter"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/importer"
	"github.com/vefacrm/vefa/examples/night/world"
)

// source is where customers come from: the simulated world or a folder.
type source interface {
	Places() []*crm.Place
	History(ctx context.Context) iter.Seq[crm.Batch]
	Day(n int) crm.Batch
	Evening(n int) time.Time
}

var (
	_ source = (*world.World)(nil)
	_ source = folder{}
)

// folder is an imported folder as a source.
type folder struct {
	*importer.Run
	data *importer.Data
}

func (f folder) Places() []*crm.Place { return f.data.Places() }
