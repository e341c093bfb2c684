//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/wire"
)

// faultReader leaves a session unread while its account gets many messages,
// and looks at the server's memory and at how fast others are served, with and
// without such a session in turn. In the end the device comes back.
func faultReader(ctx context.Context, c *chaos) (o outcome, err error) {
	// Person 0's first device does not read, the second does; person 1 writes
	// to them; the others write to each other, and are measured.
	const others = 10
	w := newWorld(2+2*others, 2).pairs()
	s, err := c.house(ctx, "reader", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	measured := &parley{server: s, world: &world{people: w.people[2:]}}
	company := newCompany(s.addr, &world{people: w.people[:2], contacts: w.contacts[:1]},
		deviceFaults{window: 5, size: 12_000, rest: 20 * time.Millisecond})
	company.devices[0].paused.Store(true)
	company.start(ctx)
	defer company.stop()
	company.devices[1].talk(false)
	if _, err := trickle(ctx, measured, others, 50, time.Second); err != nil { // warm up
		return o, err
	}
	var with, without, p99With, p99Without []float64
	var grown int64
	for round := range c.pick(10, 4) {
		// Many short turns, and each goes first as often as the other: a busy
		// machine is as busy for both.
		for _, reads := range []bool{round%2 == 0, round%2 != 0} {
			var slow *websocket.Conn
			if !reads {
				if slow, err = neverRead(ctx, s.addr, w.people[0].devices[0]); err != nil {
					return o, err
				}
			}
			before, _ := rss(s.pid())
			r, err := trickle(ctx, measured, others, 50, time.Duration(c.pick(4, 2))*time.Second)
			if err != nil {
				return o, err
			}
			after, _ := rss(s.pid())
			if reads {
				without, p99Without = append(without, ms(r.arrived.p50)), append(p99Without, ms(r.arrived.p99))
			} else {
				with, p99With = append(with, ms(r.arrived.p50)), append(p99With, ms(r.arrived.p99))
				grown = max(grown, after-before)
				_ = slow.NetConn().Close()
			}
			o.runs++
		}
	}
	hungUp, err := hungUpAfter(ctx, s, w.people[0].devices[0])
	if err != nil {
		return o, err
	}
	company.devices[0].paused.Store(false)
	o.verdict, err = c.finish(ctx, "reader", company, 60*time.Second)
	if grown > 16<<20 {
		o.breach("the server's memory grew by %d MiB", grown>>20)
	}
	if slow := median(with); slow > 1.1*median(without)+noise {
		o.breach("others' delivery takes %.1f ms beside it, %.1f ms without", slow, median(without))
	}
	if slow := median(p99With); slow > 2*median(p99Without)+10*noise {
		o.breach("1 %% of others' delivery takes %.1f ms beside it, %.1f ms without", slow, median(p99Without))
	}
	o.figure = fmt.Sprintf("hung up on after %.0f s; server's memory %+d KiB; others' delivery p50 %.1f ms with it, %.1f ms without, p99 %.1f and %.1f ms (medians, in turn)",
		hungUp.Seconds(), grown>>10, median(with), median(without), median(p99With), median(p99Without))
	return o, err
}

// noise, in ms, is what a busy machine does to a median of a few.
const noise = 2

// behind is how many entries a session misses that does not read: fewer than
// the server would rather replace by a snapshot.
const behind = 1500

// neverRead opens a session that wants much of its log, and does not read it.
func neverRead(ctx context.Context, addr string, who signIn) (*websocket.Conn, error) {
	before, err := greeted(ctx, addr, who)
	if err != nil {
		return nil, err
	}
	before.close()
	small := func(_, _ string, conn syscall.RawConn) (err error) {
		_ = conn.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
		})
		return err
	}
	from := &net.Dialer{Timeout: dialTimeout, Control: small}
	d := websocket.Dialer{NetDialContext: from.DialContext, HandshakeTimeout: dialTimeout}
	ws, _, err := d.DialContext(ctx, "ws://"+addr+"/ws", http.Header{"Cookie": {"parley=" + who.token}, "Origin": {"http://" + addr}})
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	hello, err := wire.Encode(&wire.Hello{
		Versions: []int{wire.Version}, Epoch: before.welcome.Epoch, Pos: max(0, before.welcome.Head-behind),
	})
	if err != nil {
		return nil, err
	}
	return ws, ws.WriteMessage(websocket.TextMessage, hello)
}

// hungUpAfter is how long the server bears with a session that does not read.
func hungUpAfter(ctx context.Context, s *server, who signIn) (time.Duration, error) {
	ws, err := neverRead(ctx, s.addr, who)
	if err != nil {
		return 0, err
	}
	defer ws.NetConn().Close()
	began := time.Now()
	local := ws.LocalAddr().(*net.TCPAddr).Port
	for time.Since(began) < time.Minute {
		if !established(s.addr, local) {
			return time.Since(began), nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, errors.New("the server did not hang up for a minute")
}
