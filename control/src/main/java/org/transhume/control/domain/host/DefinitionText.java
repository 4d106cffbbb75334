package org.transhume.control.domain.host;

import java.io.IOException;
import java.io.StringReader;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.error.IllegalMigrationException;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.ErrorHandler;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;

/** What a host looks at in a definition, which else is its owner's: nothing of what the guest sees may change on the way. */
final class DefinitionText {
    /** Elements of a domain that the guest can tell. */
    private static final Map<String, String> GUEST_VISIBLE =
            Map.of("name", "name", "uuid", "uuid", "memory", "memory", "vcpu", "number of vCPUs", "os", "machine");

    private DefinitionText() {}

    /** A definition for a guest whose owner gave none. */
    static DomainDefinition of(String name, UUID uuid, String machine) {
        return new DomainDefinition(
                name,
                uuid,
                "<domain type='transhume'><name>%s</name><uuid>%s</uuid><os><type machine='%s'>hvm</type></os></domain>"
                        .formatted(escaped(name), uuid, escaped(machine)));
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;");
    }

    /**
     * The definition with the text {@code changed}.
     *
     * @param parameter names it in errors
     * @throws IllegalMigrationException if it says otherwise what the guest sees
     */
    static DomainDefinition changed(DomainDefinition definition, String parameter, String changed) {
        Map<String, String> before = guestVisible(definition.text());
        if (!before.isEmpty()) {
            Map<String, String> after = guestVisible(changed);
            if (after.isEmpty()) {
                throw new IllegalMigrationException(
                        "definition-unreadable", parameter + ": expected the XML of a domain, as its definition is");
            }
            before.forEach((element, value) -> {
                if (after.containsKey(element) && !after.get(element).equals(value)) {
                    throw new IllegalMigrationException(
                            "guest-visible-change",
                            "%s: the %s may not change, it is <%s>"
                                    .formatted(parameter, GUEST_VISIBLE.get(element), element));
                }
            });
        }
        return new DomainDefinition(definition.name(), definition.uuid(), changed);
    }

    /** The same under another name. */
    static DomainDefinition renamed(DomainDefinition definition, String name) {
        String own = "<name>" + escaped(definition.name()) + "</name>";
        return new DomainDefinition(
                name, definition.uuid(), definition.text().replace(own, "<name>" + escaped(name) + "</name>"));
    }

    /** Empty if the text is not the XML of a domain. */
    private static Map<String, String> guestVisible(String text) {
        Map<String, String> seen = new TreeMap<>();
        try {
            Element domain =
                    parser().parse(new InputSource(new StringReader(text))).getDocumentElement();
            for (Node node = domain.getFirstChild(); node != null; node = node.getNextSibling()) {
                if (GUEST_VISIBLE.containsKey(node.getNodeName())) {
                    seen.put(node.getNodeName(), flat(node));
                }
            }
        } catch (SAXException | IOException e) {
            return Map.of();
        }
        return seen;
    }

    /** Everything of a node that is not white space. */
    private static String flat(Node node) {
        StringBuilder text = new StringBuilder(node.getNodeName());
        for (int i = 0; node.getAttributes() != null && i < node.getAttributes().getLength(); i++) {
            text.append(' ').append(node.getAttributes().item(i));
        }
        for (Node child = node.getFirstChild(); child != null; child = child.getNextSibling()) {
            text.append('(')
                    .append(
                            child.getNodeType() == Node.ELEMENT_NODE
                                    ? flat(child)
                                    : child.getTextContent().strip())
                    .append(')');
        }
        return text.toString();
    }

    /** It may come from another host: nothing in it makes this one read anything else. */
    private static DocumentBuilder parser() {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            DocumentBuilder parser = factory.newDocumentBuilder();
            parser.setErrorHandler(new Silent());
            return parser;
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException("the JDK's XML parser lacks what it always had", e);
        }
    }

    /** Text that is no XML is nothing to complain of on stderr. */
    private static final class Silent implements ErrorHandler {
        @Override
        public void warning(SAXParseException e) {}

        @Override
        public void error(SAXParseException e) throws SAXException {
            throw e;
        }

        @Override
        public void fatalError(SAXParseException e) throws SAXException {
            throw e;
        }
    }
}
