// Somebody who has the server's place between two people: she puts fingerprints
// of her own into what they tell each other, ends both media connections in a
// page of hers, and passes on the sound, and what each says for the words.

import type { Page } from '@playwright/test';

type End = 'caller' | 'callee';
type Frame = { type: string; [field: string]: unknown };
/** Hers is what her page holds: a connection with each of the two, and what plays. */
type Hers = Window & { ends: Record<End, RTCPeerConnection>; playing: HTMLAudioElement[] };

/** between puts eve into the calls from one page to another, from their next connection on. */
export async function between(eve: Page, caller: Page, callee: Page): Promise<void> {
  await eve.evaluate(async () => {
    await navigator.mediaDevices.getUserMedia({ audio: true }); // or her candidates hide her address
    Object.assign(window, { ends: { caller: new RTCPeerConnection(), callee: new RTCPeerConnection() }, playing: [] });
  });

  /** pass takes the description of one, and makes hers for the other, with the sound of the first. */
  const pass = (from: End, to: End, type: 'offer' | 'answer', sdp: unknown) =>
    eve.evaluate(
      async ([from, to, type, sdp]) => {
        const { ends, playing } = window as unknown as Hers;
        const comes = new Promise<MediaStreamTrack>((then) => (ends[from].ontrack = ({ track }) => then(track)));
        await ends[from].setRemoteDescription({ type, sdp });
        const track = await comes;
        const audio = new Audio(); // Chromium passes on only what it plays
        audio.srcObject = new MediaStream([track]);
        playing.push(audio);
        void audio.play();
        const other = ends[to];
        other.addTrack(track, new MediaStream([track]));
        await other.setLocalDescription();
        while (other.iceGatheringState !== 'complete') {
          await new Promise((then) => other.addEventListener('icegatheringstatechange', then, { once: true }));
        }
        const words = sdp.match(/^a=parley-.*$/m)![0];
        return other.localDescription!.sdp.replace(/^m=/m, `${words}\r\nm=`);
      },
      [from, to, type, String(sdp)] as const,
    );

  const candidate = (of: End, { candidate, mid }: Frame) =>
    eve.evaluate(
      async ([of, candidate, sdpMid]) => {
        await (window as unknown as Hers).ends[of].addIceCandidate({ candidate, sdpMid }).catch(() => {}); // another may do
      },
      [of, String(candidate), typeof mid === 'string' ? mid : '0'] as const,
    );

  /** change is what she makes of a frame of one of them; null: the server never sees it. */
  const change = async (of: End, frame: Frame): Promise<Frame | null> => {
    switch (frame.type) {
      case 'call.invite':
        return { ...frame, offer: await pass('caller', 'callee', 'offer', frame.offer) };
      case 'call.accept':
        return { ...frame, answer: await pass('callee', 'caller', 'answer', frame.answer) };
      case 'call.candidate':
        await candidate(of, frame);
        return null;
      case 'call.description':
        return null; // it names the real end
      default:
        return frame;
    }
  };
  for (const [page, of] of [[caller, 'caller'], [callee, 'callee']] as const) {
    await page.routeWebSocket(/\/ws$/, (socket) => {
      const server = socket.connectToServer();
      let before = Promise.resolve();
      socket.onMessage((data) => {
        before = before.then(async () => {
          const frame = await change(of, JSON.parse(String(data)) as Frame);
          if (frame !== null) {
            server.send(JSON.stringify(frame));
          }
        });
      });
      server.onMessage((data) => socket.send(data));
    });
  }
}
