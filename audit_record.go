package vefa

import (
	"slices"

	invariants "github.com/vefacrm/vefa/crm/audit"
)

// record: customers, link decisions, anchors and holds agree with each other.
func (a *audit) record() error {
	got, err := invariants.Record(a.ctx, a.r)
	if err != nil {
		return err
	}
	a.report.RecordContradicts = got.Violations
	a.report.Findings = slices.Concat(a.report.Findings, got.Findings)
	a.report.Findings = a.report.Findings[:min(len(a.report.Findings), maxFindings)]
	return nil
}
