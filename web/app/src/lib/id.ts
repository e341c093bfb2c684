/** newID is 128 random bits in hexadecimal. Other than crypto.randomUUID it is there without https, too. */
export function newID(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
