import { Link } from "@tanstack/react-router";

const INCIDENT = /(inc_[0-9a-f]{16,64})/;

/** Text as text; ids of incidents in it become links, since nobody reads them. */
export const EventText = ({ text }: { text: string }) => (
  <>
    {text.split(INCIDENT).map((part, n) =>
      INCIDENT.test(part) ? (
        <Link key={n} to="/incidents/$id" params={{ id: part }} title={part}>
          another incident
        </Link>
      ) : (
        part
      ),
    )}
  </>
);
