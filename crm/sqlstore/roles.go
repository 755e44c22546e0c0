package sqlstore

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Grants returns the statements by which the owner of the tables, who runs
// Migrate on PostgreSQL, gives another role what a Store needs of them and
// nothing more; the package comment shows them. Run them after each Migrate that
// changed something; repeating them is harmless. The role must exist; its name
// may have letters, digits and _, at most 63. Grants fails for another name,
// another dialect's configuration or a bad Config.
func Grants(cfg Config, role string) ([]string, error) {
	cfg, err := cfg.resolve(Postgres)
	if err != nil {
		return nil, err
	}
	if !isName(role, 63, false) {
		return nil, configError("role", "must have letters, digits and _ only, and at most 63 of them")
	}
	g := newGrammar(Postgres, cfg)
	tables := map[string][]string{"SELECT": {g.named("schema_versions"), g.named("owner_versions")}} // by rights
	for i := range g.tables {
		rights := g.rights(tableID(i))
		tables[rights] = append(tables[rights], g.table(tableID(i)))
	}
	out := []string{fmt.Sprintf(`GRANT USAGE ON SCHEMA "%s" TO "%s"`, cfg.Schema, role)}
	for _, rights := range slices.SortedFunc(maps.Keys(tables), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(b, a)) }) {
		out = append(out, fmt.Sprintf(`GRANT %s ON %s TO "%s"`, rights, strings.Join(tables[rights], ", "), role))
	}
	return out, nil
}

// rights returns what the statements on a table need: there is no other SQL.
func (g *grammar) rights(tab tableID) string {
	need := []string{"SELECT"}
	add := func(right string, signs ...string) {
		for o := range numOps {
			q := g.text(statementID{op: o, tab: tab}, 2)
			if slices.ContainsFunc(signs, func(s string) bool { return strings.Contains(q, s) }) {
				need = append(need, right)
				return
			}
		}
	}
	add("INSERT", "INSERT INTO", "COPY ")
	add("UPDATE", "UPDATE ", "FOR UPDATE")
	add("DELETE", "DELETE FROM")
	return strings.Join(need, ", ")
}
