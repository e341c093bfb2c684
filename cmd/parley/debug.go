package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"
)

// checkDebugListen lets profiles be served to this machine only: they show
// what is in memory.
func checkDebugListen(addr string) error {
	if addr == "" {
		return nil
	}
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("--debug-listen: %q is not a loopback address with a port, like 127.0.0.1:6060", addr)
	}
	return nil
}

// serveDebug serves profiles of this process until stop is called.
func serveDebug(addr string, log *slog.Logger) (stop func() error, err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // ends with stop
	}()
	log.Info("profiles are served", "at", listener.Addr().String())
	return func() error {
		err := server.Close()
		<-ended
		return err
	}, nil
}
