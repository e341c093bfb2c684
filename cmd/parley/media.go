package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"parley/media"
	"parley/signaling"
	"parley/signaling/call"
	"parley/web"
)

// answeringMachine is media as signaling knows it.
type answeringMachine struct {
	engine *media.Engine
	dir    string // of recordings under way
}

func (a answeringMachine) Answer(ctx context.Context, order signaling.MediaOrder) (signaling.Leg, string, error) {
	do := media.Order{
		ID: order.ID, Offer: order.Offer, Meta: order.Meta,
		Greeting: order.Greeting, Sound: order.Sound, Pause: order.Pause, Tone: true, MaxDuration: order.Limit,
		Silence: order.Silence, MinDuration: order.Shortest,
		Report: func(r media.Report) {
			order.Report(signaling.MediaReport{Kind: call.LegKind(r.Kind), Level: r.Level, Elapsed: r.Elapsed})
		},
	}
	if order.Echo {
		do.Echo = order.Limit
	}
	leg, answer, err := a.engine.Answer(ctx, do)
	if err != nil {
		return nil, "", err
	}
	return machineLeg{Leg: leg, dir: a.dir, id: order.ID}, answer, nil
}

// machineLeg is one leg as signaling knows it.
type machineLeg struct {
	*media.Leg
	dir, id string
}

func (l machineLeg) Finish(ctx context.Context) (signaling.Take, error) {
	recording, err := l.Leg.Finish(ctx)
	if errors.Is(err, media.ErrTooShort) {
		return signaling.Take{}, errors.Join(signaling.ErrNothingSaid, err)
	}
	return takeOf(recording), err
}

func (l machineLeg) Release() { _ = media.Remove(l.dir, l.id) } // what stays is found again at the next start

func takeOf(r media.Recording) signaling.Take {
	return signaling.Take{
		Path: r.Path, Duration: r.Duration, Waveform: r.Waveform,
		SHA256: r.SHA256, Bytes: r.Bytes, Truncated: r.Truncated,
	}
}

// recoverRecordings finishes what a crash cut off.
func recoverRecordings(dir string, log *slog.Logger) ([]signaling.Recovered, error) {
	found, err := media.Recover(dir, log)
	if err != nil {
		return nil, err
	}
	recovered := make([]signaling.Recovered, 0, len(found))
	for _, r := range found {
		recovered = append(recovered, signaling.Recovered{
			Take: takeOf(r), Meta: r.Meta,
			Release: func() { _ = media.Remove(dir, r.ID) },
		})
	}
	return recovered, nil
}

// soundOf is media as the door knows it.
type soundOf struct {
	dir string // of recordings under way
}

func (soundOf) Convert(webm []byte, format string) (io.ReadSeeker, error) {
	return media.Convert(webm, format)
}

func (soundOf) Greeting() ([]byte, error) { return media.StandardGreeting() }

func (s soundOf) Import(file []byte, longest time.Duration) (web.Imported, error) {
	recording, err := media.Import(s.dir, file, longest)
	for theirs, ours := range map[error]error{
		media.ErrNotSound: web.ErrNotSound, media.ErrForeign: web.ErrForeignSound,
		media.ErrTooLong: web.ErrSoundTooLong, media.ErrTooShort: web.ErrSoundTooShort,
	} {
		if errors.Is(err, theirs) {
			return web.Imported{}, fmt.Errorf("%w: %w", ours, err)
		}
	}
	return web.Imported{
		Path: recording.Path, Duration: recording.Duration, Waveform: recording.Waveform,
		SHA256: recording.SHA256, Bytes: recording.Bytes,
		Release: func() { _ = media.Remove(s.dir, recording.ID) }, // what stays is removed at the next start
	}, err
}
