package link

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAgentsOfOthersLists asks lists of npm which agents are machines' and which
// people's: crawler-user-agents and user-agents, where VEFA_NODE_MODULES has them
// (.ci/oracles installs them).
func TestAgentsOfOthersLists(t *testing.T) {
	modules := os.Getenv("VEFA_NODE_MODULES")
	read := func(name string, into any) {
		b, err := os.ReadFile(filepath.Join(modules, name))
		if modules == "" || os.IsNotExist(err) {
			t.Skip("npm crawler-user-agents and user-agents (VEFA_NODE_MODULES) are missing")
		}
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, into))
	}
	var crawlers []struct {
		Instances []string `json:"instances"`
	}
	var people []struct {
		UserAgent string `json:"userAgent"`
	}
	read("crawler-user-agents/crawler-user-agents.json", &crawlers)
	read("user-agents/dist/user-agents.json", &people)
	bots, known := map[string]bool{}, 0
	for _, c := range crawlers {
		for _, agent := range c.Instances {
			if bots[agent] {
				continue
			}
			bots[agent] = true
			if machineAgent(agent) {
				known++
			} else {
				t.Logf("not known: %s", agent)
			}
		}
	}
	persons := map[string]bool{}
	for _, p := range people {
		persons[p.UserAgent] = true
		assert.False(t, machineAgent(p.UserAgent), p.UserAgent)
	}
	t.Logf("%d of %d agents of machines are known; 0 of %d of people", known, len(bots), len(persons))
	assert.GreaterOrEqual(t, float64(known), 2110./2118*float64(len(bots)))
	assert.GreaterOrEqual(t, len(bots), 2000)
	assert.GreaterOrEqual(t, len(persons), 500)
}
