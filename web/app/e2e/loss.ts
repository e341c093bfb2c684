// A line that loses packets: what two browsers send each other goes through
// sockets here, which drop some of it. No privileges and no kernel module needed.

import { createSocket, type Socket } from 'node:dgram';
import type { Page } from '@playwright/test';

export class LossyLine {
  /** part of the datagrams that is lost on the way to the first page and to the second, 0 to 1 */
  lost: [number, number] = [0, 0];
  private readonly sockets: Socket[] = [];

  /** between lets the calls of two pages pass here, from their next connection on. */
  async between(...pages: [Page, Page]): Promise<void> {
    for (const [i, page] of pages.entries()) {
      await page.routeWebSocket(/\/ws$/, (socket) => {
        const server = socket.connectToServer();
        let told = Promise.resolve();
        server.onMessage((data) => {
          told = told.then(async () => {
            const frame = JSON.parse(String(data)) as { type: string; candidate?: string; sdp?: string };
            if (frame.sdp) {
              frame.sdp = frame.sdp.replace(/^a=candidate:.*\r\n/gm, ''); // later descriptions name them all again
            }
            if (frame.type === 'call.candidate' && frame.candidate) {
              const candidate = await this.instead(frame.candidate, 1 - i);
              if (candidate === null) {
                return;
              }
              frame.candidate = candidate;
            }
            socket.send(JSON.stringify(frame));
          });
        });
      });
    }
  }

  close(): void {
    this.sockets.forEach((socket) => socket.close());
  }

  /** instead is a candidate for a socket here that passes everything on to the one named, which is of a page, and back. */
  private async instead(candidate: string, of: number): Promise<string | null> {
    const words = candidate.split(' ');
    const [address, port] = [words[4]!, Number(words[5])];
    if (words[2]!.toLowerCase() !== 'udp' || words[7] !== 'host' || address.includes(':')) {
      return null; // and so no way around
    }
    const socket = createSocket('udp4');
    this.sockets.push(socket);
    await new Promise<void>((then) => socket.bind(0, address, then));
    let other: { address: string; port: number } | undefined;
    socket.on('message', (data, from) => {
      const back = from.address === address && from.port === port;
      if (!back) {
        other = from;
      }
      const to = back ? other : { address, port };
      if (to !== undefined && Math.random() >= this.lost[back ? 1 - of : of]!) {
        socket.send(data, to.port, to.address);
      }
    });
    words[5] = String(socket.address().port);
    return words.join(' ');
  }
}
