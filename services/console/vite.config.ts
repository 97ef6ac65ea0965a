import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: new URL("./src/ui", import.meta.url).pathname,
  plugins: [react()],
  build: {
    outDir: new URL("./dist", import.meta.url).pathname,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // For work on the console itself: `vite` beside a running platform.
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
