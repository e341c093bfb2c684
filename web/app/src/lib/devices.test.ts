import { afterEach, describe, expect, it, vi } from 'vitest';
import { listed } from './devices';

const all = [
  { kind: 'audioinput', deviceId: 'default', label: 'Default' },
  { kind: 'audioinput', deviceId: 'm', label: 'Headset' },
  { kind: 'audioinput', deviceId: 'hidden', label: '' },
  { kind: 'audiooutput', deviceId: 's', label: 'Loudspeaker' },
  { kind: 'videoinput', deviceId: 'c', label: 'Camera' },
] as MediaDeviceInfo[];

describe('listed', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('names each real device once', () => {
    vi.stubGlobal('HTMLMediaElement', { prototype: { setSinkId: () => {} } });
    expect(listed(all)).toEqual({ microphone: [{ id: 'm', label: 'Headset' }], speaker: [{ id: 's', label: 'Loudspeaker' }], camera: [{ id: 'c', label: 'Camera' }] });
  });

  it('offers no speakers where the browser lets none be chosen', () => {
    expect(listed(all).speaker).toEqual([]);
  });
});
