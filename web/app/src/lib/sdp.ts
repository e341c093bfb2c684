// The one change that this client makes to a session description.

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
