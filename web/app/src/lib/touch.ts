/** touch: things are pressed with a finger here, and there may be no keys. */
export const touch = globalThis.matchMedia?.('(pointer: coarse)').matches ?? false;
