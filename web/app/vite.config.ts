import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/**
 * shell adds the service worker to the page, with the files of this build and a
 * version that changes when any of them does.
 */
function shell(): Plugin {
  const here = (path: string) => decodeURIComponent(new URL(path, import.meta.url).pathname);
  return {
    name: 'parley-shell',
    apply: 'build',
    enforce: 'post',
    generateBundle: {
      order: 'post', // behind what makes the page
      async handler(_options, bundle) {
        const worker = await this.fs.readFile(here('src/shell.worker.js'), { encoding: 'utf8' });
        const icon = await this.fs.readFile(here('public/icon.svg'), { encoding: 'utf8' });
        const built = Object.values(bundle).map((file): [string, string] => [
          file.fileName === 'index.html' ? '/' : `/${file.fileName}`,
          file.type === 'chunk' ? file.code : String(file.source),
        ]);
        const files = [...built, ['/icon.svg', icon] as const].sort(([a], [b]) => (a < b ? -1 : 1));
        if (!files.some(([path]) => path === '/')) {
          this.error('the page is not among the files of the build');
        }
        const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify([worker, files])));
        const version = Array.from(new Uint8Array(digest).slice(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
        this.emitFile({
          type: 'asset',
          fileName: 'sw.js',
          source: worker.replace('__VERSION__', version).replace('__FILES__', JSON.stringify(files.map(([path]) => path))),
        });
      },
    },
  };
}

// The server embeds ../dist. public/.gitkeep is copied along, so that the
// folder stays in the repository although every build empties it.
export default defineConfig({
  plugins: [svelte(), shell()],
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows no data: URLs.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      '/api': 'http://localhost:8080',
      '/ws': { target: 'ws://localhost:8080', ws: true },
    },
  },
  test: {
    include: ['src/**/*.test.ts'],
  },
});
