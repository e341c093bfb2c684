package media

import (
	"encoding/binary"
	"math"
)

// A WebM file is EBML (RFC 8794) with one Opus track (RFC 9559; the mapping
// of Opus is in the Matroska codec specification). Everything is known when
// it is written, so the sizes are, and the cues stand before the sound: a
// player can seek after its first request.
//
//	EBML, Segment { SeekHead, Info, Tracks, Cues, Cluster ... }
const (
	idEBML            = 0x1A45DFA3
	idEBMLVersion     = 0x4286
	idEBMLReadVersion = 0x42F7
	idEBMLMaxID       = 0x42F2
	idEBMLMaxSize     = 0x42F3
	idDocType         = 0x4282
	idDocTypeVersion  = 0x4287
	idDocTypeRead     = 0x4285

	idSegment      = 0x18538067
	idSeekHead     = 0x114D9B74
	idSeek         = 0x4DBB
	idSeekID       = 0x53AB
	idSeekPosition = 0x53AC
	idInfo         = 0x1549A966
	idScale        = 0x2AD7B1
	idDuration     = 0x4489
	idMuxingApp    = 0x4D80
	idWritingApp   = 0x5741

	idTracks       = 0x1654AE6B
	idTrackEntry   = 0xAE
	idTrackNumber  = 0xD7
	idTrackUID     = 0x73C5
	idTrackType    = 0x83
	idFlagLacing   = 0x9C
	idCodecID      = 0x86
	idCodecPrivate = 0x63A2
	idCodecDelay   = 0x56AA
	idSeekPreRoll  = 0x56BB
	idAudio        = 0xE1
	idSampling     = 0xB5
	idChannels     = 0x9F

	idCues               = 0x1C53BB6B
	idCuePoint           = 0xBB
	idCueTime            = 0xB3
	idCueTrackPositions  = 0xB7
	idCueTrack           = 0xF7
	idCueClusterPosition = 0xF1

	idCluster        = 0x1F43B675
	idTimestamp      = 0xE7
	idSimpleBlock    = 0xA3
	idBlockGroup     = 0xA0
	idBlock          = 0xA1
	idDiscardPadding = 0x75A2
)

const (
	track         = 1
	clusterLength = 5 * sampleRate // samples
	seekPreRoll   = 80_000_000     // ns a decoder needs to converge (RFC 7845 section 4.6)

	seekPreRollSamples = seekPreRoll / 1_000_000 * sampleRate / 1000
)

// writeWebM makes the file of a sound.
func writeWebM(s sound) []byte {
	line, preSkip, length, channels := s.line, s.skip, s.length, s.channels()
	info := element(idInfo,
		uintElement(idScale, 1_000_000), // timestamps are milliseconds
		floatElement(idDuration, float64(length)*1000/sampleRate),
		stringElement(idMuxingApp, "parley"), stringElement(idWritingApp, "parley"))
	tracks := element(idTracks, element(idTrackEntry,
		uintElement(idTrackNumber, track), uintElement(idTrackUID, 1), uintElement(idTrackType, 2), uintElement(idFlagLacing, 0),
		stringElement(idCodecID, "A_OPUS"), bytesElement(idCodecPrivate, opusHead(channels, preSkip)),
		uintElement(idCodecDelay, uint64(durationOf(preSkip))), uintElement(idSeekPreRoll, seekPreRoll),
		element(idAudio, floatElement(idSampling, sampleRate), uintElement(idChannels, uint64(channels)))))

	clusters, times := clustersOf(line, preSkip+length)
	// Positions count from the segment's first byte; all numbers are of fixed
	// width, so the lengths do not depend on them.
	seek := func(cues int) []byte {
		return element(idSeekHead, element(idSeek,
			bytesElement(idSeekID, binary.BigEndian.AppendUint32(nil, idCues)), uintElement(idSeekPosition, uint64(cues))))
	}
	cuesAt := len(seek(0)) + len(info) + len(tracks)
	at := cuesAt + len(cuesOf(clusters, times, 0))
	return join(
		element(idEBML,
			uintElement(idEBMLVersion, 1), uintElement(idEBMLReadVersion, 1), uintElement(idEBMLMaxID, 4), uintElement(idEBMLMaxSize, 8),
			stringElement(idDocType, "webm"), uintElement(idDocTypeVersion, 4), uintElement(idDocTypeRead, 2)),
		element(idSegment, seek(cuesAt), info, tracks, cuesOf(clusters, times, at), join(clusters...)))
}

// opusHead is the codec's own header (RFC 7845 section 5.1).
func opusHead(channels byte, preSkip int64) []byte {
	head := append([]byte("OpusHead"), 1, channels)
	head = binary.LittleEndian.AppendUint16(head, uint16(preSkip))
	head = binary.LittleEndian.AppendUint32(head, sampleRate)
	return append(head, 0, 0, 0) // no gain, mapping family 0
}

// clustersOf cuts the time line into clusters and tells when each begins, in
// milliseconds. The last packet says what of it is beyond the end.
func clustersOf(line []placed, end int64) (clusters [][]byte, times []int64) {
	for begin := 0; begin < len(line); {
		past := begin
		for past < len(line) && line[past].at < line[begin].at+clusterLength {
			past++
		}
		at := milliseconds(line[begin].at)
		parts := [][]byte{uintElement(idTimestamp, uint64(at))}
		for i := begin; i < past; i++ {
			p := line[i]
			block := []byte{0x80 | track, 0, 0, 0}
			binary.BigEndian.PutUint16(block[1:], uint16(milliseconds(p.at)-at))
			if beyond := p.at + p.length - end; i == len(line)-1 && beyond > 0 {
				parts = append(parts, element(idBlockGroup,
					bytesElement(idBlock, append(block, p.packet...)),
					bytesElement(idDiscardPadding, binary.BigEndian.AppendUint64(nil, uint64(durationOf(beyond))))))
				continue
			}
			block[3] = 0x80 // every packet can be started from
			parts = append(parts, bytesElement(idSimpleBlock, append(block, p.packet...)))
		}
		clusters = append(clusters, element(idCluster, parts...))
		times = append(times, at)
		begin = past
	}
	return clusters, times
}

func milliseconds(samples int64) int64 { return samples * 1000 / sampleRate }

func cuesOf(clusters [][]byte, times []int64, at int) []byte {
	points := make([][]byte, len(clusters))
	for i, cluster := range clusters {
		points[i] = element(idCuePoint, uintElement(idCueTime, uint64(times[i])),
			element(idCueTrackPositions, uintElement(idCueTrack, track), uintElement(idCueClusterPosition, uint64(at))))
		at += len(cluster)
	}
	return element(idCues, points...)
}

func join(parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := make([]byte, 0, n)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func element(id uint32, parts ...[]byte) []byte { return bytesElement(id, join(parts...)) }

// bytesElement is an id, a size of eight bytes, and the body.
func bytesElement(id uint32, body []byte) []byte {
	out := make([]byte, 0, 12+len(body))
	for shift := 24; shift >= 0; shift -= 8 {
		if b := byte(id >> shift); b != 0 || len(out) > 0 {
			out = append(out, b)
		}
	}
	out = binary.BigEndian.AppendUint64(out, 1<<56|uint64(len(body)))
	return append(out, body...)
}

func stringElement(id uint32, s string) []byte { return bytesElement(id, []byte(s)) }

func uintElement(id uint32, n uint64) []byte {
	return bytesElement(id, binary.BigEndian.AppendUint64(nil, n))
}

func floatElement(id uint32, f float64) []byte { return uintElement(id, math.Float64bits(f)) }
