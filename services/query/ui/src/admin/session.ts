// Who is at the desk. The token is asked for once and is gone when the page is.

import { getCurrentInstance, inject, ref, shallowRef, type InjectionKey } from "vue";

import { Problem } from "../api/client";
import { wait } from "../api/persist";
import { createAdmin, type Admin } from "./api";
import { isOff, isWrongToken, passes, reasonFor } from "./faults";

const AGAIN_MS = 3000;
/** What can stand in a header; another text cannot be the token. */
const TOKEN = /^[\x21-\x7e]+$/;

export type Doubt = "" | "wrong" | "off" | "away" | "over";

export type Session = ReturnType<typeof createSession>;

export function createSession(open: (token: string) => Admin = createAdmin) {
  const admin = shallowRef<Admin | null>(null);
  const doubt = ref<Doubt>("");
  const reason = ref("");
  const checking = ref(false);
  let stop = new AbortController();

  /** Come in with a token. Where that has to wait for the service, it goes on by itself. */
  async function enter(text: string): Promise<void> {
    leave();
    const { signal } = stop;
    const token = text.trim();
    if (!TOKEN.test(token)) {
      doubt.value = "wrong";
      return;
    }
    checking.value = true;
    const candidate = open(token);
    while (!signal.aborted) {
      const found = await check(candidate, signal);
      if (signal.aborted) return;
      doubt.value = found;
      if (found !== "off" && found !== "away") {
        checking.value = false;
        if (found === "") admin.value = candidate;
        return;
      }
      await wait(AGAIN_MS, signal).catch(() => undefined);
    }
  }

  async function check(candidate: Admin, signal: AbortSignal): Promise<Doubt> {
    try {
      await candidate.sources(signal);
      return "";
    } catch (error) {
      if (isWrongToken(error)) return "wrong";
      if (isOff(error)) return "off";
      // The token is looked at before anything else: it was right.
      if (error instanceof Problem && error.code === "redis-unavailable") return "";
      reason.value = passes(error) ? `${reasonFor(error)} Trying again.` : reasonFor(error);
      return "away";
    }
  }

  /** Forget the token. */
  function leave(why: Doubt = ""): void {
    stop.abort();
    stop = new AbortController();
    admin.value = null;
    checking.value = false;
    doubt.value = why;
    reason.value = "";
  }

  return {
    admin,
    doubt,
    reason,
    checking,
    enter,
    leave,
    /** The service does not let the token in any more. */
    refused: (error: unknown) => leave(isOff(error) ? "off" : "over"),
  };
}

const sessionKey: InjectionKey<Session> = Symbol("session");

/** The session of this page: it outlives the view, so that one can look at a search meanwhile. */
export function useSession(): Session {
  const known = inject(sessionKey, null);
  if (known) return known;
  const session = createSession();
  getCurrentInstance()?.appContext.app.provide(sessionKey, session);
  return session;
}
