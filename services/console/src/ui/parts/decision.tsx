import { Dialog, DialogDismiss, DialogHeading, useDialogStore } from "@ariakit/react";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Key } from "./key.tsx";

/** A button whose act is asked for once more, with a reason where one is wanted. */
export function Decision({
  label,
  title,
  text,
  confirm,
  reason: reasonWanted = "none",
  tone = "plain",
  shortcut,
  act,
}: {
  label: string;
  title: string;
  text?: ReactNode;
  confirm: string;
  reason?: "none" | "optional" | "required";
  tone?: "plain" | "bad" | "good";
  shortcut?: string;
  act: (reason: string) => Promise<unknown>;
}) {
  const [reason, setReason] = useState("");
  const dialog = useDialogStore();
  const mutation = useMutation({
    mutationFn: () => act(reason.trim()),
    onSuccess: () => {
      dialog.hide();
      setReason("");
    },
  });
  return (
    <>
      <button type="button" className="button" data-tone={tone} data-shortcut={shortcut} aria-keyshortcuts={shortcut} onClick={dialog.show}>
        {label}
        {shortcut !== undefined && <Key>{shortcut}</Key>}
      </button>
      <Dialog store={dialog} className="dialog" backdrop={<div className="backdrop" />} preventBodyScroll={false}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            mutation.mutate();
          }}
        >
          <DialogHeading className="dialog-title">{title}</DialogHeading>
          {text !== undefined && <div className="dialog-text">{text}</div>}
          {reasonWanted !== "none" && (
            <label className="field">
              Reason{reasonWanted === "optional" ? " (optional)" : ""}
              <textarea
                rows={2}
                value={reason}
                required={reasonWanted === "required"}
                onChange={(event) => setReason(event.target.value)}
              />
            </label>
          )}
          {mutation.isError && (
            <p className="problem" role="alert">
              {mutation.error.message}
            </p>
          )}
          <div className="dialog-buttons">
            <DialogDismiss className="button">Cancel</DialogDismiss>
            <button type="submit" className="button" data-tone={tone === "plain" ? "main" : tone} disabled={mutation.isPending}>
              {mutation.isPending ? "…" : confirm}
            </button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
