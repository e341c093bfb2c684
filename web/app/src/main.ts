import { mount } from 'svelte';
import App from './components/App.svelte';
import './app.css';

mount(App, { target: document.getElementById('app')! });

// The page opens without the server from the next visit on. Browsers that keep
// no service worker (private windows, plain HTTP) just do not have that.
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' }).catch(() => {});
}
