// The addresses of the page. The service answers each of them with the page itself: what is added
// here is added to PAGES in services/query/app.py, too.

import { nextTick } from "vue";
import { createRouter, type RouteRecordRaw, type RouterHistory } from "vue-router";

import SearchView from "./search/SearchView.vue";
import type { Arrival } from "./ui/arrival";

// What is not needed to search is loaded when it is: a view of one's own chunk.
const film = () => import("./film/FilmView.vue");

const routes: RouteRecordRaw[] = [
  { path: "/", name: "search", component: SearchView },
  { path: "/film/:id", name: "film", component: film, props: true },
  { path: "/explore", name: "explore", component: () => import("./explore/ExploreView.vue") },
  { path: "/admin", name: "admin", component: () => import("./admin/AdminView.vue") },
  { path: "/:nothing(.*)*", name: "nothing", component: () => import("./ui/NothingView.vue") },
];

export function createPageRouter(history: RouterHistory, arrival: Arrival) {
  const router = createRouter({
    history,
    routes,
    async scrollBehavior(to, from, saved) {
      if (saved) {
        await arrival.whole();
        await nextTick();
        return saved;
      }
      // Who is still typing stays where they are.
      return to.path === from.path && window.history.state?.draft ? false : { top: 0 };
    },
  });
  // A chunk that is gone belongs to a page that was replaced meanwhile: load the new one.
  router.onError((error, to) => {
    if (/dynamically imported module|module script/i.test(String(error))) {
      location.assign(to.fullPath);
    }
  });
  addEventListener("load", () => requestIdleCallback?.(() => void film().catch(() => undefined)));
  return router;
}
