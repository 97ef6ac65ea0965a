import { Combobox, ComboboxItem, ComboboxList, ComboboxProvider, Dialog, DialogHeading } from "@ariakit/react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { incidentsQuery, runbooksQuery, servicesQuery } from "../api/queries.ts";
import { setPreferences, usePreferences } from "../live/preferences.ts";
import { Key } from "../parts/key.tsx";
import { rankCommands } from "../view/commands.ts";
import { SECTIONS } from "./sections.ts";
import { isWriting } from "./shortcuts.ts";

interface Command {
  readonly id: string;
  readonly group: string;
  readonly text: string;
  readonly hint?: string;
  readonly run: () => void;
}

/** Opens the palette: everything there is, by typing a part of its name. */
export function PaletteButton({ help, setHelp }: { help: boolean; setHelp: (shown: boolean) => void }) {
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isChord = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
      if (!isChord && !(event.key === "/" && !isWriting(event.target))) return;
      event.preventDefault();
      setIsOpen(true);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <button type="button" className="palette-button" onClick={() => setIsOpen(true)}>
        <span>Go to anything</span>
        <Key>/</Key>
      </button>
      <Dialog
        open={isOpen}
        onClose={() => setIsOpen(false)}
        className="dialog palette"
        backdrop={<div className="backdrop" />}
        preventBodyScroll={false}
        aria-label="Go to anything"
        unmountOnHide
      >
        <Palette onDone={() => setIsOpen(false)} onHelp={() => setHelp(true)} />
      </Dialog>
      <Dialog
        open={help}
        onClose={() => setHelp(false)}
        className="dialog"
        backdrop={<div className="backdrop" />}
        preventBodyScroll={false}
        unmountOnHide
      >
        <DialogHeading className="dialog-title">Keys</DialogHeading>
        <dl className="keys">
          <KeyRow keys={["/", "Ctrl K"]} text="go to anything" />
          {SECTIONS.map(({ name, key }) => (
            <KeyRow key={key} keys={[`g ${key}`]} text={name} />
          ))}
          <KeyRow keys={["j", "k"]} text="next, previous row" />
          <KeyRow keys={["Enter"]} text="open the row" />
          <KeyRow keys={["a", "e", "c"]} text="acknowledge, escalate, close the incident" />
          <KeyRow keys={["y", "n"]} text="approve, deny what is asked" />
          <KeyRow keys={["p"]} text="replay the incident" />
          <KeyRow keys={["Space", "←", "→"]} text="in a replay: play, step back, step on" />
          <KeyRow keys={["?"]} text="these keys" />
        </dl>
      </Dialog>
    </>
  );
}

const KeyRow = ({ keys, text }: { keys: readonly string[]; text: string }) => (
  <div>
    <dt>
      {keys.map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </dt>
    <dd>{text}</dd>
  </div>
);

function Palette({ onDone, onHelp }: { onDone: () => void; onHelp: () => void }) {
  const [asked, setAsked] = useState("");
  const navigate = useNavigate();
  const incidents = useQuery(incidentsQuery({ limit: 50 }));
  const services = useQuery(servicesQuery);
  const runbooks = useQuery(runbooksQuery);
  const { times, theme } = usePreferences();
  const commands: Command[] = [
    ...SECTIONS.map(({ to, name, key }) => ({ id: to, group: "Pages", text: name, hint: `g ${key}`, run: () => void navigate({ to }) })),
    ...(incidents.data?.items ?? []).map(({ id, title, state }) => ({
      id,
      group: "Incidents",
      text: title,
      hint: state,
      run: () => void navigate({ to: "/incidents/$id", params: { id } }),
    })),
    ...(services.data?.items ?? []).map(({ id, health }) => ({
      id: `service:${id}`,
      group: "Services",
      text: id,
      hint: health,
      run: () => void navigate({ to: "/services/$id", params: { id } }),
    })),
    ...(runbooks.data?.items ?? []).map(({ id, title }) => ({
      id: `runbook:${id}`,
      group: "Runbooks",
      text: title,
      hint: id,
      run: () => void navigate({ to: "/runbooks/$id", params: { id } }),
    })),
    {
      id: "times",
      group: "Do",
      text: times === "relative" ? "Show absolute times" : "Show relative times",
      run: () => setPreferences({ times: times === "relative" ? "absolute" : "relative" }),
    },
    {
      id: "dark",
      group: "Do",
      text: theme === "dark" ? "Light colours" : "Dark colours",
      run: () => setPreferences({ theme: theme === "dark" ? "light" : "dark" }),
    },
    { id: "keys", group: "Do", text: "Show the keys", hint: "?", run: onHelp },
  ];
  const shown = rankCommands(commands, asked).slice(0, 40);
  return (
    <ComboboxProvider open setValue={setAsked} defaultActiveId={undefined}>
      <Combobox
        autoSelect="always"
        className="palette-input"
        placeholder="A page, an incident, a service, a runbook …"
        aria-label="What do you look for?"
      />
      <ComboboxList className="palette-list" alwaysVisible>
        {shown.map((command) => (
          <ComboboxItem
            key={command.id}
            className="palette-item"
            setValueOnClick={false}
            hideOnClick={false}
            focusOnHover
            onClick={() => {
              onDone();
              command.run();
            }}
          >
            <span className="palette-group">{command.group}</span>
            <span className="palette-text">{command.text}</span>
            {command.hint !== undefined && <span className="palette-hint">{command.hint}</span>}
          </ComboboxItem>
        ))}
        {shown.length === 0 && <p className="quiet">Nothing is called that.</p>}
      </ComboboxList>
    </ComboboxProvider>
  );
}
