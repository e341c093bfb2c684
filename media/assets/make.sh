#!/bin/sh
# Makes the sounds that the answering machine plays, from a text and a formula.
# Needs flite, sox and ffmpeg. One Opus packet per Ogg page, so that a page
# reader is all that is needed to play them.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
flite -voice slt -t "The person you are calling cannot be reached. Please leave a message after the tone." -o "$work/voice.wav"
sox "$work/voice.wav" -r 48000 -c 1 "$work/greeting.wav" gain -n -4 pad 0.2 0.25
sox -n -r 48000 -c 1 -b 16 "$work/tone.wav" synth 0.4 sine 880 fade 0.01 0.4 0.02 gain -8 pad 0 0.04
for name in greeting tone; do
	ffmpeg -loglevel error -y -i "$work/$name.wav" -c:a libopus -b:a 32k -application voip -frame_duration 20 \
		-page_duration 20000 -map_metadata -1 -fflags +bitexact -flags:a +bitexact "$name.opus"
done
