import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// The query service that the development server proxies the API to (`make dev`).
const service = process.env["MOVIE_SEARCH_URL"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [vue()],
  build: {
    target: "es2022",
    // Data URLs would need a content security policy wider than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(
      [
        ...["/search", "/suggest", "/facets", "/movies", "/snapshot", "/map", "/readyz"],
        ...["/admin/", "/metrics", "/docs", "/page/", "/openapi.json"],
      ].map((path) => [path, service]),
    ),
  },
});
