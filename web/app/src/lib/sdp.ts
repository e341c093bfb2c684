// What this client wants of a session description, beyond what its browser does.

/** fingerprintsOf are the ends that a description names (RFC 8122), each once, in their order. */
export function fingerprintsOf(sdp: string): string[] {
  const found = sdp.matchAll(/^a=fingerprint:(\S+) (\S+)\s*$/gim);
  return [...new Set([...found].map(([, hash, value]) => `${hash!.toLowerCase()} ${value!.toUpperCase()}`))];
}

/** withAttribute adds an attribute to the session part, where browsers that do not know it leave it alone (RFC 8866 section 5.13). */
export function withAttribute(sdp: string, name: string, value: string): string {
  return sdp.replace(/^m=/m, `a=${name}:${value}\r\nm=`);
}

/** attributeOf is the value of an attribute of the session part. */
export function attributeOf(sdp: string, name: string): string | undefined {
  const [session = ''] = sdp.split(/^m=/m);
  return session
    .split(/\r?\n/)
    .find((line) => line.startsWith(`a=${name}:`))
    ?.slice(name.length + 3);
}

/**
 * askForResends adds generic NACK feedback (RFC 4585 section 6.2.1) for Opus.
 * Browsers offer it for video only; with it, whoever records this side can ask
 * for lost packets. A description without Opus, or with it set, is returned as
 * it is.
 */
export function askForResends(sdp: string): string {
  const opus = /^a=rtpmap:(\d+) opus\/48000.*$/im.exec(sdp);
  if (opus === null) {
    return sdp;
  }
  const [rtpmap, type] = opus;
  const feedback = `a=rtcp-fb:${type} nack`;
  if (sdp.split(/\r?\n/).includes(feedback)) {
    return sdp;
  }
  return sdp.replace(rtpmap.trimEnd(), `${rtpmap.trimEnd()}\r\n${feedback}`);
}

/**
 * preferRedundancy lets the sound of a connection that is not negotiated yet be
 * sent with what was said just before (RFC 2198), where the browser can: one
 * lost packet is then no gap. Who does not know it answers with plain Opus.
 */
export function preferRedundancy(connection: Pick<RTCPeerConnection, 'getTransceivers'>): void {
  const codecs = globalThis.RTCRtpReceiver?.getCapabilities('audio')?.codecs ?? [];
  const redundant = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === 'audio/red');
  if (redundant.length === 0) {
    return;
  }
  const ordered = [...redundant, ...codecs.filter((codec) => !redundant.includes(codec))];
  for (const transceiver of connection.getTransceivers()) {
    if (transceiver.sender.track?.kind === 'audio') {
      transceiver.setCodecPreferences?.(ordered);
    }
  }
}
