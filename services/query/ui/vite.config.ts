import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const service = "http://127.0.0.1:8000"; // for `npm run dev`: a query service that runs already

export default defineConfig({
  plugins: [vue()],
  build: {
    target: "es2022",
    // Data URLs would need a wider content security policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(
      ["/search", "/suggest", "/facets", "/movies", "/snapshot", "/map", "/admin/", "/readyz"].map(
        (path) => [path, service],
      ),
    ),
  },
});
