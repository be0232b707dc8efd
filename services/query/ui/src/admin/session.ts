// The session of an operator. The token is entered once and kept only as long as the page is open.

import { getCurrentInstance, inject, ref, shallowRef, type InjectionKey } from "vue";

import { Problem } from "../api/client";
import { wait } from "../api/retry";
import { createAdmin, type Admin } from "./api";
import { adminErrorMessage, isAdminOff, isTransient, isWrongToken } from "./errors";

const RETRY_MS = 3000;
/** The characters that a header can contain; any other text cannot be a token. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Why the operator is not signed in; empty if there is no reason to show. */
export type SignInProblem = "" | "wrong" | "off" | "unreachable" | "expired";

export type Session = ReturnType<typeof createSession>;

export function createSession(open: (token: string) => Admin = createAdmin) {
  const admin = shallowRef<Admin | null>(null);
  const problem = ref<SignInProblem>("");
  const reason = ref("");
  const checking = ref(false);
  let controller = new AbortController();

  /** Sign in with a token, retrying while the service is unreachable or its admin API is off. */
  async function signIn(text: string): Promise<void> {
    signOut();
    const { signal } = controller;
    const token = text.trim();
    if (!TOKEN.test(token)) {
      problem.value = "wrong";
      return;
    }
    checking.value = true;
    const candidate = open(token);
    while (!signal.aborted) {
      const result = await check(candidate, signal);
      if (signal.aborted) return;
      problem.value = result;
      if (result !== "off" && result !== "unreachable") {
        checking.value = false;
        if (result === "") admin.value = candidate;
        return;
      }
      await wait(RETRY_MS, signal).catch(() => undefined);
    }
  }

  async function check(candidate: Admin, signal: AbortSignal): Promise<SignInProblem> {
    try {
      await candidate.sources(signal);
      return "";
    } catch (error) {
      if (isWrongToken(error)) return "wrong";
      if (isAdminOff(error)) return "off";
      // The service checks the token before it uses Redis, so the token is right.
      if (error instanceof Problem && error.code === "redis-unavailable") return "";
      const message = adminErrorMessage(error);
      reason.value = isTransient(error) ? `${message} Retrying…` : message;
      return "unreachable";
    }
  }

  /** Discard the token. */
  function signOut(why: SignInProblem = ""): void {
    controller.abort();
    controller = new AbortController();
    admin.value = null;
    checking.value = false;
    problem.value = why;
    reason.value = "";
  }

  return {
    admin,
    problem,
    reason,
    checking,
    signIn,
    signOut,
    /** The service no longer accepts the token. */
    onRefused: (error: unknown) => signOut(isAdminOff(error) ? "off" : "expired"),
  };
}

const sessionKey: InjectionKey<Session> = Symbol("session");

/** The session of the page: outlives the view, so that the operator can visit other views. */
export function useSession(): Session {
  const existing = inject(sessionKey, null);
  if (existing) return existing;
  const session = createSession();
  getCurrentInstance()?.appContext.app.provide(sessionKey, session);
  return session;
}
