# Parley: make run starts it, make test proves it. Needs Go, Node 20+ and make.

NPM        := npm --prefix web/app
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD = 1

.PHONY: run build client generate test test-go test-client test-e2e lint proofs screenshots bench-first bench-calls bench-loss bench-messages bench-relay bench-recording soak-relay chaos chaos-short clean

run: build ## build everything and start on http://localhost:8080 with ./parley-data
	./bin/parley serve

build: client ## the one binary, client included
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o bin/parley ./cmd/parley

client: web/app/node_modules
	$(NPM) run --silent build

web/app/node_modules: web/app/package-lock.json
	$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

generate: ## what is generated from Go: the client's frame types
	go generate ./...

test: needs lint test-go test-client chaos-short test-e2e ## everything
	@echo "make test: all passed"

.PHONY: needs
needs: ## what the tests need of the machine, installed from Debian packages if it may
	@.ci/needs chromium firefox-esr ffmpeg opus-tools openssl postgresql strace nftables iproute2 coturn python3-aiortc python3-aiohttp

lint:
	@echo "== format, vet, staticcheck"
	@test -z "$$(gofmt -l cmd media presence signaling voicemail web/*.go)" || { gofmt -d cmd media presence signaling voicemail web/*.go; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	@echo "== generated files are current"
	go generate ./... && git diff --exit-code -- web/app/src/lib/wire.ts

test-go:
	@echo "== Go, with the race detector"
	go test -race -shuffle=on ./...

test-client: web/app/node_modules
	@echo "== client: types and units"
	$(NPM) run --silent check
	$(NPM) run --silent test

test-e2e: build ## real browsers against the real server
	@echo "== end to end"
	$(NPM) run --silent e2e

proofs: build ## in browsers, what takes too long for the tests: credentials that a relayed call outlives, a conversation that breaks off; about six minutes
	@$(NPM) run --silent proofs

screenshots: build ## makes the pictures of the README from the running program
	$(NPM) run --silent screenshots

bench-first: build ## accept to first audio, direct and relayed; sizes
	@$(NPM) run --silent bench-first

bench-loss: build ## how much sound is made up where packets are lost, with NACK and RED and without; about three minutes
	@$(NPM) run --silent bench-loss

chaos: needs build bin/parleyload ## every fault, and how many messages were lost or shown twice (about 13 minutes)
	@./bin/parleyload chaos

chaos-short: build bin/parleyload
	@echo "== chaos, the short form"
	@./bin/parleyload chaos --short

bench-messages: build bin/parleyload ## messages, mailbox, sessions, presence; beside ejabberd and prosody
	@.ci/needs ejabberd erlang-p1-pgsql prosody postgresql
	@./bin/parleyload bench --only messages,mailbox,presence,sessions

bench-calls: build bin/parleyload ## from invite to ring, calls per CPU second, accept to first audio; about four minutes
	@{ ./bin/parleyload bench --only calls; $(NPM) run --silent bench-first; } | awk ' \
		!/^RESULT/ { print; next } \
		{ for (i = 2; i <= NF; i++) { split($$i, p, "="); v[p[1]] = p[2] } } \
		END { if (v["ring_p50_ms"] == "" || v["accept_to_audio_ms_p50"] == "") exit 1; \
			print "RESULT ring_p50_ms=" v["ring_p50_ms"] " ring_p99_ms=" v["ring_p99_ms"] \
			" audio_p2p_ms_p50=" v["accept_to_audio_ms_p50"] " audio_relay_ms_p50=" v["relayed_accept_to_audio_ms_p50"] \
			" calls_per_cpu_s=" v["calls_per_cpu_s"] " kb_per_call=" v["kb_per_call"] }'

.PHONY: bin/parleyload
bin/parleyload:
	go build -o $@ ./cmd/parleyload

bench-relay: build bin/parleyload ## the relay against coturn and a bare forwarder, in turns; about three minutes
	@.ci/needs coturn
	@./bin/parleyload relay

bench-recording: build bin/parleyload ## 100 recordings at once, beside Janus recording the same callers; about two minutes
	@.ci/needs janus
	@./bin/parleyload recording

soak-relay: build bin/parleyload ## ten minutes at half of the highest rate without loss: nothing may be lost
	@./bin/parleyload soak

clean: ## what was built; never ./parley-data
	rm -rf bin web/app/node_modules web/app/test-results
	find web/dist -mindepth 1 ! -name .gitkeep -delete
