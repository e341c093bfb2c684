package media

import (
	"context"
	"time"
)

const (
	maxEcho        = 10 * time.Second // the longest Order.Echo
	maxEchoBytes   = 512 << 10        // of packets: above what Opus has use for in that time
	maxEchoPackets = 4000             // the shortest of Opus in that time
)

// echo plays the tone, listens, and plays back what came, as it came: what was
// lost or late on the way here is missing. Nothing of it is kept. It reports
// whether anything was heard.
func (l *Leg) echo(ctx context.Context) (heard bool) {
	_ = l.engine.tone.play(ctx, l.voice)
	l.listening.Store(true)
	l.order.Report(Report{Kind: ReportRecording})
	packets, heard := l.listen(ctx)
	l.listening.Store(false)
	if ctx.Err() != nil || !heard {
		return heard
	}
	l.order.Report(Report{Kind: ReportPlayback})
	var back clip
	for _, p := range layOut(packets, l.order.Echo) {
		back = append(back, p.packet)
	}
	_ = back.play(ctx, l.voice)
	return true
}

// listen collects what comes for as long as ordered, and tells how loud it is.
func (l *Leg) listen(ctx context.Context) (packets []received, heard bool) {
	began := time.Now()
	over := time.NewTimer(l.order.Echo)
	defer over.Stop()
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	decoder := newDecoder(wavRate) // for who tells no levels
	var size int
	var loudest uint8
	for {
		select {
		case a := <-l.packets:
			p := a.received
			p.at = max(0, a.when.Sub(began))
			n, err := samplesOf(p.payload)
			if size += len(p.payload); err != nil || size > maxEchoBytes || len(packets) == maxEchoPackets {
				continue
			}
			level := p.level
			if level == noLevel {
				level = levelOf(decoder.decode(placed{length: n, packet: p.payload}))
			}
			heard = heard || level < silence
			loudest = max(loudest, uint8(int(height(level))*100/255))
			packets = append(packets, p)
		case now := <-tick.C:
			l.order.Report(Report{Kind: ReportLevel, Level: int(loudest), Elapsed: now.Sub(began)})
			loudest = 0
		case <-over.C:
			return packets, heard
		case <-ctx.Done():
			return packets, heard
		}
	}
}
