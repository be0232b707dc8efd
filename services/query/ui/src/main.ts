import "./ui/fonts.css";
import "./ui/theme.css";

import { createApp } from "vue";
import { createWebHistory } from "vue-router";

import App from "./App.vue";
import { createClient } from "./api/client";
import { createMine, mineKey } from "./mine/mine";
import { createPageRouter } from "./router";
import { createMemory, memoryKey } from "./search/memory";
import { arrivalKey, createArrival } from "./ui/arrival";
import { clientKey } from "./ui/inject";
import { createServed, servedKey } from "./ui/served";

const history = createWebHistory();
const client = createClient();
const arrival = createArrival(history);

createApp(App)
  .provide(clientKey, client)
  .provide(arrivalKey, arrival)
  .provide(memoryKey, createMemory())
  .provide(mineKey, createMine())
  .provide(servedKey, createServed(client))
  .use(createPageRouter(history, arrival))
  .mount("#app");
