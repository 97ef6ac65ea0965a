import { useQuery } from "@tanstack/react-query";
import { readinessQuery, settingsQuery } from "../api/queries.ts";
import { setPreferences, usePreferences } from "../live/preferences.ts";
import { Output } from "../parts/output.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Shown } from "../parts/states.tsx";
import { Models } from "./models.tsx";

/** What this browser is set to, whether everything answers, and what the process runs with. */
export function Settings() {
  const settings = useQuery(settingsQuery);
  const readiness = useQuery(readinessQuery);
  return (
    <>
      <PageHead title="Settings" />
      <div className="halves">
        <You />
        <Panel title="Connections">
          <Shown query={readiness}>
            {({ checks }) => (
              <ul className="checks">
                {Object.entries(checks).map(([name, { up, required, error }]) => (
                  <li key={name}>
                    <span className={up ? "right" : "wrong"}>{up ? "✓" : "✗"}</span>
                    <div>
                      <strong>{name}</strong>{" "}
                      <span className="quiet">{up ? "answers" : required ? "is down" : "is down; the rest goes on"}</span>
                      {error !== undefined && <Output>{error}</Output>}
                    </div>
                  </li>
                ))}
              </ul>
            )}
          </Shown>
        </Panel>
      </div>
      <Models />
      <Shown query={settings} lines={8}>
        {({ groups, version }) => (
          <Panel title="Effective configuration" aside={<span className="quiet">Tocsin {version} · read only</span>}>
            {groups.map(({ name, settings: list }) => (
              <details key={name} className="config" open={name === "process"}>
                <summary>{name}</summary>
                <div className="table-frame">
                  <table>
                    <tbody>
                      {list.map(({ variable, value }) => (
                        <tr key={variable}>
                          <th scope="row">
                            <code>{variable}</code>
                          </th>
                          <td>
                            <code>{value === "" ? "–" : value}</code>
                          </td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              </details>
            ))}
          </Panel>
        )}
      </Shown>
    </>
  );
}

function You() {
  const { name, times, theme, notifications } = usePreferences();
  const isAble = "Notification" in window;
  const notify = async (wanted: boolean) => {
    if (!wanted) setPreferences({ notifications: false });
    else if (isAble && (await Notification.requestPermission()) === "granted") setPreferences({ notifications: true });
  };
  return (
    <Panel title="This browser">
      <div className="you">
        <label className="field">
          Your name, as decisions are written down
          <input value={name} maxLength={200} placeholder="console" onChange={(event) => setPreferences({ name: event.target.value })} />
        </label>
        <label className="field">
          Times
          <select value={times} onChange={(event) => setPreferences({ times: event.target.value as "relative" })}>
            <option value="relative">Relative: 4 min ago</option>
            <option value="absolute">Absolute: 03:14:07</option>
          </select>
        </label>
        <label className="field">
          Colours
          <select value={theme} onChange={(event) => setPreferences({ theme: event.target.value as "system" })}>
            <option value="system">As the system</option>
            <option value="dark">Dark</option>
            <option value="light">Light</option>
          </select>
        </label>
        <label className="check">
          <input type="checkbox" checked={notifications} disabled={!isAble} onChange={(event) => void notify(event.target.checked)} /> Tell
          me on the desktop when something needs me
        </label>
        {isAble && Notification.permission === "denied" && (
          <p className="quiet">The browser has been told not to; change it in its own settings.</p>
        )}
      </div>
    </Panel>
  );
}
