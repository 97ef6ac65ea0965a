import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import type { LiveEvent } from "../view/events.ts";
import { usePreferences } from "./preferences.ts";
import { live } from "./use-live.ts";

const HEADLINES: Readonly<Record<string, string>> = {
  opened: "An incident opened",
  escalated: "An incident was handed to you",
  "awaiting-approval": "An action waits for your yes",
};

/** Pure: what a person who looks elsewhere is told of, or nothing. */
const headlineOf = (event: LiveEvent): string | undefined => (event.event === "incident" ? HEADLINES[event.kind] : undefined);

/** Tells through the desktop, where the person allowed it, while the page is not looked at. */
export function useNotifications(): void {
  const { notifications } = usePreferences();
  const navigate = useNavigate();
  useEffect(() => {
    live.keepWhileHidden(notifications);
    if (!notifications || !("Notification" in window)) return;
    return live.onEvent((event) => {
      const headline = headlineOf(event);
      if (headline === undefined || !document.hidden || Notification.permission !== "granted") return;
      const note = new Notification(headline, { body: event.text, tag: `${event.incidentId}:${event.kind}` });
      note.onclick = () => {
        window.focus();
        void navigate({ to: "/incidents/$id", params: { id: event.incidentId } });
        note.close();
      };
    });
  }, [notifications, navigate]);
}
