import { createContext } from 'svelte';
import type { Client } from './client';

/** The client of the signed-in account, for every component of its page. */
export const [getClient, setClient] = createContext<Client>();
