package voicemail

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"

	"parley/presence"
	"parley/voicemail/store"
)

// BenchmarkSubmit keeps 20 pairs busy, each with 20 texts in flight, as a busy
// server has them. The other of a pair acknowledges each tenth.
func BenchmarkSubmit(b *testing.B) {
	const pairs, window = 20, 20
	m, err := Open(b.Context(), Config{Dir: b.TempDir(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	m.hasher = newHasher(cheap)
	type side struct {
		account presence.AccountID
		device  presence.DeviceID
	}
	var people [2 * pairs]side
	for i := range people {
		name := fmt.Sprintf("p%d", i)
		account, err := m.CreateAccount(b.Context(), name, password, false)
		if err != nil {
			b.Fatal(err)
		}
		session, err := m.SignIn(b.Context(), name, password, "bench", "")
		if err != nil {
			b.Fatal(err)
		}
		people[i] = side{account.ID, session.Device}
	}
	for i := range pairs {
		from, to := people[2*i].account, people[2*i+1].account
		for _, err := range []error{m.SetContact(b.Context(), from, to, actRequest), m.SetContact(b.Context(), to, from, actAccept)} {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for i := range pairs {
		from, to := people[2*i], people[2*i+1]
		all.Go(func() {
			flying := make(chan struct{}, window)
			var landed sync.WaitGroup
			for n := i; n < b.N; n += pairs {
				flying <- struct{}{}
				landed.Add(1)
				err := m.Submit(Deposit{
					From: from.account, Device: from.device, CID: fmt.Sprintf("%d-%032d", b.N, n), To: to.account,
					Kind: store.KindText, Text: "a message of a usual length, as people write them to one another every day",
				}, func(got Accepted, err error) {
					defer landed.Done()
					<-flying
					if err != nil {
						b.Error(err)
					}
				})
				if err != nil {
					b.Error(err)
				}
				if n/pairs%10 == 9 {
					landed.Add(1)
					err := m.SubmitAck(to.account, to.device, int64(n/pairs), func(_ []store.Entry, err error) {
						defer landed.Done()
						if err != nil {
							b.Error(err)
						}
					})
					if err != nil {
						b.Error(err)
					}
				}
			}
			landed.Wait()
		})
	}
	all.Wait()
}
