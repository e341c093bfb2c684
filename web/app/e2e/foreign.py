"""A client of Parley that is no browser: aiortc, which shares no code with one.

It signs in, calls somebody or waits to be called, plays a tone and says on
standard output, a JSON object in each line, what happens and what it hears.

    foreign.py URL NAME PASSWORD HZ [CALLEE]
"""

import asyncio
import fractions
import json
import math
import sys
import uuid

import aiohttp
import av
import numpy
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

RATE = 48_000
FRAME = RATE // 50


class Tone(MediaStreamTrack):
    """A sine, 20 ms at a time."""

    kind = "audio"

    def __init__(self, hz):
        super().__init__()
        self.hz, self.sent, self.began = hz, 0, None

    async def recv(self):
        loop = asyncio.get_running_loop()
        if self.began is None:
            self.began = loop.time()
        await asyncio.sleep(self.began + self.sent / RATE - loop.time())
        times = (self.sent + numpy.arange(FRAME)) * (2 * math.pi * self.hz / RATE)
        frame = av.AudioFrame.from_ndarray((12_000 * numpy.sin(times)).astype(numpy.int16).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.sent, fractions.Fraction(1, RATE)
        self.sent += FRAME
        return frame


def tell(**what):
    print(json.dumps(what), flush=True)


async def listen(track):
    """Says the loudest frequency of each half second."""
    heard = numpy.empty(0)
    while True:
        frame = await track.recv()
        samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
        heard = numpy.append(heard, samples)
        if len(heard) >= frame.sample_rate // 2:
            levels = numpy.abs(numpy.fft.rfft(heard * numpy.hanning(len(heard))))
            loud = numpy.abs(heard).max() > 300
            tell(hears=float(levels.argmax() * frame.sample_rate / len(heard)) if loud else 0)
            heard = numpy.empty(0)


class Client:
    def __init__(self, ws, me, hz):
        self.ws, self.me, self.call = ws, me, None
        self.early = []
        self.connection = RTCPeerConnection()
        self.connection.addTrack(Tone(hz))
        self.connection.on("track", lambda track: setattr(self, "ear", asyncio.ensure_future(listen(track))))
        self.connection.on("connectionstatechange", self.changed)

    async def say(self, **frame):
        await self.ws.send_json(frame)

    async def changed(self):
        tell(media=self.connection.connectionState)
        if self.connection.connectionState == "connected":
            await self.say(type="call.connected", call=self.call)

    async def describe(self, description):
        """Sets an own description, with all candidates in it: aiortc does not trickle."""
        await self.connection.setLocalDescription(description)
        return self.connection.localDescription.sdp

    async def told(self, kind, sdp):
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, kind))
        for frame in self.early:
            await self.candidate(frame)
        self.early = None

    async def candidate(self, frame):
        if self.early is not None:
            self.early.append(frame)
        elif frame["candidate"]:  # it takes no end of them
            candidate = candidate_from_sdp(frame["candidate"].split(":", 1)[1])
            candidate.sdpMid, candidate.sdpMLineIndex = frame.get("mid"), frame.get("mline", 0)
            await self.connection.addIceCandidate(candidate)

    async def invite(self, callee):
        self.call = str(uuid.uuid4())
        offer = await self.describe(await self.connection.createOffer())
        await self.say(type="call.invite", id="invite", call=self.call, to=callee, intent="call", offer=offer)

    async def rings(self, frame):
        self.call = frame["call"]
        await self.say(type="call.ringing", call=self.call)
        await self.told("offer", frame["offer"])
        answer = await self.describe(await self.connection.createAnswer())
        await self.say(type="call.accept", call=self.call, answer=answer)

    async def described(self, frame):
        """Takes a later offer, as of a data channel."""
        if frame["kind"] == "offer":
            await self.connection.setRemoteDescription(RTCSessionDescription(frame["sdp"], "offer"))
            answer = await self.describe(await self.connection.createAnswer())
            await self.say(type="call.description", call=self.call, kind="answer", sdp=answer, negotiation=frame.get("negotiation", ""))


async def main(url, name, password, hz, callee=None):
    # The cookie is for a name like any other; a session as browsers have it takes none for an IP address.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.post(f"{url}/api/session", json={"name": name, "password": password}) as response:
            response.raise_for_status()
        async with http.ws_connect(f"{url}/ws", origin=url) as ws:
            client = Client(ws, name, float(hz))
            await client.say(type="hello", versions=[1], epoch="", pos=0)
            async for message in ws:
                frame = json.loads(message.data)
                kind = frame["type"]
                if kind.startswith("call.") or kind == "error":
                    tell(frame={key: value for key, value in frame.items() if key not in ("offer", "answer", "sdp")})
                if kind == "welcome":
                    tell(ready=True)
                    if callee:
                        await client.invite(next(person["account"] for person in frame["contacts"] if person["name"] == callee))
                elif kind == "call.ring":
                    await client.rings(frame)
                elif kind == "call.answered":
                    await client.told("answer", frame["answer"])
                elif kind == "call.candidate" and frame["call"] == client.call:
                    await client.candidate(frame)
                elif kind == "call.description":
                    await client.described(frame)
                elif kind == "call.ended":
                    await client.connection.close()
                    return


asyncio.run(main(*sys.argv[1:]))
