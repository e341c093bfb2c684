// The service worker: it keeps the page and what the page is made of, so that
// Parley opens without the server. Messages are not its business: they are in
// the page's own database, and nothing of /api or /ws passes through here.
//
// A build is one cache, named by its version (filled in by vite.config.ts, as
// are its files). A new build is fetched whole before it takes over, and then
// the old one goes. Pages are asked of the server first, so that a new build
// shows at the next visit; its files have their hash in their names and never
// change.

const version = '__VERSION__';
const files = __FILES__;

const name = `parley-shell-${version}`;
const patience = 4000; // ms for the server to answer with the page

self.addEventListener('install', (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(clean().then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) {
    return;
  }
  if (request.mode === 'navigate' && (pathname === '/' || pathname.startsWith('/join/'))) {
    event.respondWith(page(request));
  } else if (files.includes(pathname)) {
    event.respondWith(file(request));
  }
});

async function fill() {
  const cache = await caches.open(name);
  await cache.addAll(files.map((path) => new Request(path, { cache: 'reload' })));
}

async function clean() {
  const names = await caches.keys();
  await Promise.all(names.filter((other) => other.startsWith('parley-shell-') && other !== name).map((other) => caches.delete(other)));
}

/** page is the server's answer, or the kept page if it has none in time. An address is never kept: it may be an invitation. */
async function page(request) {
  const kept = () => caches.match('/', { cacheName: name });
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(patience) });
    return response.status < 500 ? response : ((await kept()) ?? response);
  } catch (error) {
    const response = await kept();
    if (response === undefined) {
      throw error;
    }
    return response;
  }
}

async function file(request) {
  return (await caches.match(request, { cacheName: name, ignoreSearch: true })) ?? fetch(request);
}
