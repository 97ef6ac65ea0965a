import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client.ts";
import { Bell } from "../parts/states.tsx";

/** Asked for when the server wants a token. */
export function SignIn() {
  const [token, setToken] = useState("");
  const signIn = useMutation({ mutationFn: () => api.signIn(token), onSuccess: () => location.reload() });
  return (
    <main className="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          signIn.mutate();
        }}
      >
        <Bell />
        <h1>Tocsin</h1>
        <label className="field">
          Access token
          <input
            type="password"
            autoComplete="current-password"
            value={token}
            required
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        {signIn.isError && (
          <p className="problem" role="alert">
            {signIn.error.message}
          </p>
        )}
        <button type="submit" className="button" data-tone="main" disabled={signIn.isPending}>
          Sign in
        </button>
      </form>
    </main>
  );
}
