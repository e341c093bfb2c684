package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Who may import whom, each ban with its reason. What is not named here may be
// imported by anybody.
var ours = map[string][]string{
	"parley/presence":                  {},                          // a leaf: ids and relations are everybody's
	"parley/media":                     {"parley/media/transport"},  // would exist without accounts
	"parley/media/transport":           {"parley/media/relay/mmsg"}, // knows packets, not what they say
	"parley/media/caller":              {},                          // knows what is on the wire, not who answers
	"parley/media/relay":               {"parley/media/relay/mmsg"}, // runs alone on another host
	"parley/media/relay/mmsg":          {},                          // system calls, nothing more
	"parley/voicemail/blob":            {},                          // bytes under ids, nothing more
	"parley/signaling/bus":             {},                          // carries what it does not understand
	"parley/signaling/wire":            {"parley/presence"},
	"parley/voicemail/store":           {"parley/presence"},
	"parley/voicemail/store/storetest": {},                                                                                                                                                               // a server for tests
	"parley/signaling/call":            {"parley/presence", "parley/signaling/wire"},                                                                                                                     // pure
	"parley/voicemail":                 {"parley/presence", "parley/voicemail/store", "parley/voicemail/blob"},                                                                                           // knows no frames
	"parley/signaling":                 {"parley/presence", "parley/signaling/bus", "parley/signaling/call", "parley/signaling/wire", "parley/voicemail", "parley/voicemail/store"},                      // media is an interface here
	"parley/web":                       {"parley/presence", "parley/voicemail"},                                                                                                                          // knows no frames and no calls
	"parley/cmd/parleyload":            {"parley/presence", "parley/signaling/wire", "parley/voicemail/store", "parley/voicemail/store/storetest", "parley/media/caller", "parley/cmd/parleyload/relay"}, // a client like any other; the store only to seed accounts without a hash for each, its tests' PostgreSQL to serve from
}

// foreign packages that belong to one part of the house.
var foreign = []struct {
	path  string
	under []string
	why   string
}{
	{"github.com/pion/", []string{"parley/media"}, "sound travels in media only"},
	{"github.com/jmoiron/sqlx", []string{"parley/voicemail/store"}, "all SQL is in the store"},
	{"database/sql", []string{"parley/voicemail/store"}, "all SQL is in the store"},
	{"github.com/jackc/pgx", []string{"parley/voicemail/store"}, "all SQL is in the store"},
	{"modernc.org/sqlite", []string{"parley/voicemail/store"}, "all SQL is in the store"},
	{"github.com/gorilla/websocket", []string{"parley/signaling", "parley/cmd/parleyload"}, "only signaling speaks WebSocket, and who plays its clients"},
	{"github.com/alecthomas/kong", []string{"parley/cmd"}, "packages receive values, never flags"},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "parley/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg, imports := fields[0], fields[1:]
		allowed, known := ours[pkg]
		if known {
			seen++
		} else if !strings.HasPrefix(pkg, "parley/cmd/") {
			t.Errorf("%s is in no rule", pkg)
		}
		for _, imported := range imports {
			if known && strings.HasPrefix(imported, "parley/") && !slices.Contains(allowed, imported) {
				t.Errorf("%s must not import %s", pkg, imported)
			}
			for _, f := range foreign {
				if strings.HasPrefix(imported, f.path) && !under(pkg, f.under) {
					t.Errorf("%s must not import %s: %s", pkg, imported, f.why)
				}
			}
		}
	}
	if seen != len(ours) {
		t.Errorf("%d of %d packages with a rule were seen", seen, len(ours))
	}
}

func under(pkg string, parents []string) bool {
	return slices.ContainsFunc(parents, func(parent string) bool {
		return pkg == parent || strings.HasPrefix(pkg, parent+"/")
	})
}

// The call machine is pure: no clock, lock, goroutine or I/O can be in it
// without one of these.
func TestCallMachineIsPure(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{join .Imports " "}}`, "parley/signaling/call").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, imported := range strings.Fields(string(out)) {
		switch imported {
		case "maps", "slices", "strconv", "time", "parley/presence", "parley/signaling/wire":
		default:
			t.Errorf("the call machine imports %s", imported)
		}
	}
}
