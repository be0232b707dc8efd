// The routes of the page. The service answers each of them with the page itself, so a route that is
// added here is also added to PAGES in services/query/app.py.

import { nextTick } from "vue";
import { createRouter, type RouteRecordRaw, type RouterHistory } from "vue-router";

import SearchView from "./search/SearchView.vue";
import type { Arrival } from "./ui/arrival";

// Views that searching does not need are chunks, loaded when they are opened.
const loadMovieView = () => import("./movie/MovieView.vue");

const routes: RouteRecordRaw[] = [
  { path: "/", name: "search", component: SearchView },
  { path: "/movie/:id", name: "movie", component: loadMovieView, props: true },
  { path: "/film/:id", redirect: { name: "movie" } }, // the former address, still in bookmarks
  { path: "/explore", name: "explore", component: () => import("./explore/ExploreView.vue") },
  { path: "/mine", name: "mine", component: () => import("./mine/MineView.vue") },
  { path: "/admin", name: "admin", component: () => import("./admin/AdminView.vue") },
  { path: "/:path(.*)*", name: "not-found", component: () => import("./ui/NotFoundView.vue") },
];

export function createPageRouter(history: RouterHistory, arrival: Arrival) {
  const router = createRouter({
    history,
    routes,
    async scrollBehavior(to, from, savedPosition) {
      if (savedPosition) {
        await arrival.ready();
        await nextTick();
        return savedPosition;
      }
      // A draft search replaces the results while the user is typing: do not scroll.
      return to.path === from.path && window.history.state?.draft ? false : { top: 0 };
    },
  });
  // A missing chunk means that a newer page has been deployed: load that.
  router.onError((error, to) => {
    if (/dynamically imported module|module script/i.test(String(error))) {
      location.assign(to.fullPath);
    }
  });
  addEventListener("load", () =>
    requestIdleCallback?.(() => void loadMovieView().catch(() => undefined)),
  );
  return router;
}
