package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v2"
)

// Examination says what to check a relay with.
type Examination struct {
	Host       string
	Port       int      // of UDP and TCP
	TLSPort    int      // of TLS
	Transports []string // of "udp", "tcp" and "tls"
	TLS        *tls.Config
	Credential Credential
}

// Finding is one thing that was checked.
type Finding struct {
	Transport string
	What      string // "reached", "stranger refused", "credential accepted", "denied ranges", "relayed"
	OK        bool
	Took      time.Duration // a round trip, or 0
	Detail    string        // for people
}

// examinePatience bounds everything that is asked over one transport.
const examinePatience = 20 * time.Second

// Examine asks a relay, as a client would, for everything that must work and for what must not. To
// addresses that must be denied it asks for permissions only; nothing is sent there.
func Examine(ctx context.Context, e Examination) []Finding {
	var all []Finding
	for _, transport := range e.Transports {
		limited, cancel := context.WithTimeout(ctx, examinePatience)
		all = append(all, e.over(limited, transport)...)
		cancel()
	}
	return all
}

func (e Examination) over(ctx context.Context, transport string) (list []Finding) {
	found := func(what string, took time.Duration, err error, detail string) bool {
		f := Finding{Transport: transport, What: what, OK: err == nil, Took: took, Detail: detail}
		if err != nil {
			f.Detail = strings.TrimPrefix(err.Error(), "relay: ")
		}
		list = append(list, f)
		return f.OK
	}
	port := e.Port
	if transport == "tls" {
		port = e.TLSPort
	}
	to := Target{Transport: transport, Address: net.JoinHostPort(e.Host, strconv.Itoa(port)), TLS: e.TLS, Credential: e.Credential}

	seen, took, err := reach(ctx, to)
	if !found("reached", took, err, fmt.Sprintf("at %s, which sees us as %v", to.Address, seen)) {
		return list
	}
	found("stranger refused", 0, refuseStranger(ctx, to), "a wrong password makes no allocation")
	a, relayed, err := allocate(ctx, to)
	if !found("credential accepted", 0, err, fmt.Sprintf("relayed at %v", relayed)) {
		return list
	}
	defer a.release(ctx)
	examples := examples(relayed.Addr())
	granted, err := grantedOf(ctx, a, examples)
	if err == nil && len(granted) > 0 {
		err = fmt.Errorf("may be reached: %s", strings.Join(granted, ", "))
	}
	found("denied ranges", 0, err, fmt.Sprintf("all of %d refused", len(examples)))
	took, err = echo(ctx, to, a, relayed)
	found("relayed", took, err, "from one allocation to another and back")
	return list
}

func reach(ctx context.Context, to Target) (seen netip.AddrPort, took time.Duration, err error) {
	c, err := Call(ctx, to)
	if err != nil {
		return seen, 0, err
	}
	defer c.Close()
	const times = 5
	var all []time.Duration
	for range times {
		began := time.Now()
		if seen, err = c.Binding(ctx); err != nil {
			return seen, 0, err
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return seen, all[times/2], nil
}

func refuseStranger(ctx context.Context, to Target) error {
	to.Credential.Password = "a guess"
	c, _, err := allocate(ctx, to)
	var refusal *Refusal
	switch {
	case err == nil:
		c.release(ctx)
		return errors.New("a wrong password made an allocation")
	case errors.As(err, &refusal) && (refusal.Code == int(stun.CodeUnauthorized) || refusal.Code == int(stun.CodeBadRequest)): // 400 is pion/turn's
		return nil
	default:
		return err
	}
}

func allocate(ctx context.Context, to Target) (*Caller, netip.AddrPort, error) {
	c, err := Call(ctx, to)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	relayed, err := c.Allocate(ctx, time.Minute)
	if err != nil {
		return nil, relayed, errors.Join(err, c.Close())
	}
	return c, relayed, nil
}

// release ends the allocation; if that fails, it ends by itself in a minute.
func (c *Caller) release(ctx context.Context) {
	_ = c.Refresh(ctx, 0)
	_ = c.Close()
}

// examples are addresses of which none may be reached: one of each denied range, and loopback in
// every dress that IPv6 has for it; without the relayed address itself, where clients meet.
func examples(relayed netip.Addr) []netip.Addr {
	list := []netip.Addr{
		netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("169.254.169.254"),
		netip.MustParseAddr("::"), netip.MustParseAddr("::1"), netip.MustParseAddr("::127.0.0.1"),
		netip.MustParseAddr("::ffff:127.0.0.1"), netip.MustParseAddr("::ffff:10.0.0.1"),
		netip.MustParseAddr("64:ff9b::7f00:1"), netip.MustParseAddr("2002:7f00:1::"),
	}
	for _, prefix := range denied {
		ip := prefix.Addr().Next()
		if !prefix.Contains(ip) { // the range is one address
			ip = prefix.Addr()
		}
		list = append(list, ip)
	}
	return slices.DeleteFunc(list, func(ip netip.Addr) bool { return ip == relayed })
}

// forbids reports whether the refusal is for what was asked, and not because the allocation is gone
// (437), the credential was not accepted or there is no room. pion/turn gives no code with a forbidden peer.
func (r *Refusal) forbids() bool {
	switch stun.ErrorCode(r.Code) {
	case 0, stun.CodeBadRequest, stun.CodeForbidden, stun.CodePeerAddrFamilyMismatch:
		return true
	default:
		return false
	}
}

// grantedOf returns those of the examples that the relay would send to.
func grantedOf(ctx context.Context, c *Caller, examples []netip.Addr) (granted []string, err error) {
	for _, ip := range examples {
		var refusal *Refusal
		if err := c.Permit(ctx, ip); err == nil {
			granted = append(granted, ip.String())
		} else if !errors.As(err, &refusal) || !refusal.forbids() {
			return nil, err
		}
	}
	return granted, nil
}

// echo sends through the relay to a second allocation, which sends back, and returns how long that
// takes. A packet may be lost on the way: it is sent some times.
func echo(ctx context.Context, to Target, a *Caller, atA netip.AddrPort) (time.Duration, error) {
	b, atB, err := allocate(ctx, to)
	if err != nil {
		return 0, err
	}
	defer b.release(ctx)
	const number = 0x4001
	if err := errors.Join(a.Channel(ctx, number, atB), b.Channel(ctx, number, atA)); err != nil {
		return 0, err
	}
	const times = 5
	var all []time.Duration
	for range times {
		began := time.Now()
		if err := a.Send(number, []byte("there")); err != nil {
			return 0, err
		}
		if err := b.expect(ctx, "there"); err != nil {
			continue
		}
		if err := b.Send(number, []byte("and back")); err != nil {
			return 0, err
		}
		if err := a.expect(ctx, "and back"); err != nil {
			continue
		}
		all = append(all, time.Since(began))
	}
	if len(all) == 0 {
		return 0, errors.New("nothing came back")
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

func (c *Caller) expect(ctx context.Context, payload string) error {
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for {
		got, err := c.Receive(short)
		if err != nil || string(got) == payload {
			return err
		}
	}
}
