// Texts that are being written, by whom they are for. They stay while one looks elsewhere.

import { SvelteMap } from 'svelte/reactivity';

export const unsent = new SvelteMap<string, string>();
