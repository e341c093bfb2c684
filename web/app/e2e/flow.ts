// How the sound of a page's call arrives: packets, not what is played, so that
// neither concealment nor a browser short of time is taken for the line.

import type { Page } from '@playwright/test';

/** Flow is what arrived while it was watched. */
export interface Flow {
  seconds: number;
  packets: number;
  /** the longest time without a packet, ms */
  gap: number;
  /** when that began, Unix ms */
  gapAt: number;
}

interface Watched {
  connections: RTCPeerConnection[];
  flow?: { began: number; last: number; first: number; packets: number; gap: number; gapAt: number; timer: ReturnType<typeof setInterval> };
}

/** keepConnections lets the functions below find the page's connections. It runs in the page, before its scripts. */
export function keepConnections(): void {
  const store = window as unknown as Watched;
  store.connections = [];
  const Native = RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(config?: RTCConfiguration) {
      super(config);
      store.connections.push(this);
    }
  };
}

/** watchFlow looks at what arrives, every 50 ms, until flowOf takes it. */
export async function watchFlow(page: Page): Promise<void> {
  await page.evaluate(() => {
    const store = window as unknown as Watched;
    const connection = store.connections.at(-1)!;
    const flow = { began: 0, last: 0, first: 0, packets: 0, gap: 0, gapAt: 0, timer: setInterval(look, 50) };
    store.flow = flow;
    async function look(): Promise<void> {
      for (const [, stat] of (await connection.getStats()) as unknown as Iterable<[string, Record<string, unknown>]>) {
        if (stat.type !== 'inbound-rtp' || stat.kind !== 'audio') {
          continue;
        }
        const [now, packets] = [Number(stat.timestamp), Number(stat.packetsReceived)];
        if (flow.began === 0) {
          Object.assign(flow, { began: now, last: now, first: packets, packets });
          continue;
        }
        const gap = now - flow.last;
        if (gap > flow.gap) {
          Object.assign(flow, { gap, gapAt: flow.last });
        }
        if (packets > flow.packets) {
          Object.assign(flow, { last: now, packets });
        }
      }
    }
  });
}

/** flowOf is what has arrived since watchFlow. */
export async function flowOf(page: Page): Promise<Flow> {
  return page.evaluate(() => {
    const flow = (window as unknown as Watched).flow!;
    return { seconds: (Date.now() - flow.began) / 1000, packets: flow.packets - flow.first, gap: flow.gap, gapAt: flow.gapAt };
  });
}

/** Path is how the packets of a page's call go, as its browser names the two ends: host, srflx, prflx or relay. */
export interface Path {
  local: string;
  remote: string;
  /** the own address of the pair */
  address: string;
}

export async function pathOf(page: Page): Promise<Path> {
  return page.evaluate(async () => {
    const report = await (window as unknown as Watched).connections.at(-1)!.getStats();
    const all = new Map(report as unknown as Iterable<[string, Record<string, unknown>]>);
    const transport = [...all.values()].find(({ type }) => type === 'transport');
    const pair = all.get(String(transport?.selectedCandidatePairId));
    const [local, remote] = [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => all.get(String(id)));
    return { local: String(local?.candidateType), remote: String(remote?.candidateType), address: String(local?.address) };
  });
}
