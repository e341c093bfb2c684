// The microphones, speakers and cameras that this browser knows of.

export interface Device {
  id: string;
  label: string;
}

export type Kind = 'microphone' | 'speaker' | 'camera';
export type Listed = Record<Kind, Device[]>;

const kinds: Record<string, Kind> = { audioinput: 'microphone', audiooutput: 'speaker', videoinput: 'camera' };

/**
 * listed sorts what the browser enumerates. Devices that it does not name, for
 * want of permission, are left out, as are its aliases for one of the others.
 */
export function listed(all: Pick<MediaDeviceInfo, 'deviceId' | 'kind' | 'label'>[]): Listed {
  const out: Listed = { microphone: [], speaker: [], camera: [] };
  for (const { deviceId, kind, label } of all) {
    const of = kinds[kind];
    if (of && label && deviceId && deviceId !== 'default' && deviceId !== 'communications') {
      out[of].push({ id: deviceId, label });
    }
  }
  if (!('setSinkId' in (globalThis.HTMLMediaElement?.prototype ?? {}))) {
    out.speaker = [];
  }
  return out;
}

/** devicesOf tells the devices, now and whenever they change, until the returned function is called. */
export function devicesOf(tell: (now: Listed) => void): () => void {
  const { mediaDevices } = navigator;
  const look = () => void mediaDevices.enumerateDevices().then((all) => tell(listed(all)));
  look();
  mediaDevices.addEventListener('devicechange', look);
  return () => mediaDevices.removeEventListener('devicechange', look);
}
