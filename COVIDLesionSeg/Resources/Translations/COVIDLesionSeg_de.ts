<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de">
<context>
    <name>About</name>
    <message>
        <source>About</source>
        <translation>Über</translation>
    </message>
    <message>
        <source>Version, papers to cite, licences, privacy, and where files lie.</source>
        <translation>Version, zu zitierende Arbeiten, Lizenzen, Datenschutz, und wo Dateien liegen.</translation>
    </message>
    <message>
        <source>About this software</source>
        <translation>Über diese Software</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Show the folder of your own models.</source>
        <translation>Den Ordner Ihrer eigenen Modelle zeigen.</translation>
    </message>
    <message>
        <source>Show the folder of your own models</source>
        <translation>Den Ordner Ihrer eigenen Modelle zeigen</translation>
    </message>
    <message>
        <source>Reviews</source>
        <translation>Begutachtungen</translation>
    </message>
    <message>
        <source>Show the folder of reviewed cases.</source>
        <translation>Den Ordner der begutachteten Fälle zeigen.</translation>
    </message>
    <message>
        <source>Show the folder of reviewed cases</source>
        <translation>Den Ordner der begutachteten Fälle zeigen</translation>
    </message>
    <message>
        <source>Logs</source>
        <translation>Protokolle</translation>
    </message>
    <message>
        <source>Show the folder of Slicer&apos;s logs.</source>
        <translation>Den Ordner von Slicers Protokollen zeigen.</translation>
    </message>
    <message>
        <source>Show the folder of Slicer&apos;s logs</source>
        <translation>Den Ordner von Slicers Protokollen zeigen</translation>
    </message>
</context>
<context>
    <name>COVIDLesionSeg</name>
    <message>
        <source>COVID-19 Lesion Segmentation</source>
        <translation>COVID-19-Läsionen segmentieren</translation>
    </message>
    <message>
        <source>&lt;p&gt;From one chest CT: right and left lung, COVID-19 lesions, a severity category from CT-0 to CT-4, a probability overlay and a 3D model of the infection.&lt;/p&gt;&lt;ol&gt;&lt;li&gt;Load a chest CT (in Hounsfield units) or the sample CT, and select it.&lt;/li&gt;&lt;li&gt;Press &lt;b&gt;Apply&lt;/b&gt;. Before the first run, Slicer asks whether you accept the licence of the weights, and whether to install the required Python packages. You can go on working during the run; &lt;b&gt;Cancel&lt;/b&gt; stops it.&lt;/li&gt;&lt;li&gt;Read the severity and the quality flags below it.&lt;/li&gt;&lt;li&gt;&lt;b&gt;Correction&lt;/b&gt;: edit lesions inside the lungs; severity follows.&lt;/li&gt;&lt;li&gt;&lt;b&gt;Review&lt;/b&gt;: look at doubtful slices first, then accept, correct or reject the case.&lt;/li&gt;&lt;/ol&gt;&lt;p&gt;Another run on the same CT updates its nodes. Corrected segments are kept as copies.&lt;/p&gt;&lt;p&gt;From the Python console: &lt;code&gt;from COVIDLesionSeg import COVIDLesionSegLogic; COVIDLesionSegLogic().segment(getNode(&apos;CT&apos;))&lt;/code&gt;&lt;/p&gt;&lt;p&gt;&lt;b&gt;{notice}&lt;/b&gt;&lt;/p&gt;&lt;p&gt;More in the &lt;a href=&quot;{homepage}/blob/main/docs/tutorial.md&quot;&gt;tutorial&lt;/a&gt; and in &lt;a href=&quot;{homepage}/blob/main/docs/troubleshooting.md&quot;&gt;troubleshooting&lt;/a&gt;.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Aus einem Thorax-CT: rechte und linke Lunge, COVID-19-Läsionen, ein Schweregrad von CT-0 bis CT-4, eine Überlagerung der Wahrscheinlichkeit und ein 3D-Modell der Infektion.&lt;/p&gt;&lt;ol&gt;&lt;li&gt;Laden Sie ein Thorax-CT (in Hounsfield-Einheiten) oder das Beispiel-CT, und wählen Sie es aus.&lt;/li&gt;&lt;li&gt;Drücken Sie &lt;b&gt;Anwenden&lt;/b&gt;. Vor dem ersten Lauf fragt Slicer, ob Sie die Lizenz der Gewichte annehmen und ob die nötigen Python-Pakete installiert werden sollen. Während des Laufs können Sie weiterarbeiten; &lt;b&gt;Abbrechen&lt;/b&gt; beendet ihn.&lt;/li&gt;&lt;li&gt;Lesen Sie den Schweregrad und die Qualitätshinweise darunter.&lt;/li&gt;&lt;li&gt;&lt;b&gt;Korrektur&lt;/b&gt;: bearbeiten Sie Läsionen innerhalb der Lungen; der Schweregrad folgt.&lt;/li&gt;&lt;li&gt;&lt;b&gt;Begutachtung&lt;/b&gt;: sehen Sie zweifelhafte Schichten zuerst an, dann nehmen Sie den Fall an, korrigieren ihn oder lehnen ihn ab.&lt;/li&gt;&lt;/ol&gt;&lt;p&gt;Ein weiterer Lauf mit demselben CT aktualisiert dessen Knoten. Korrigierte Segmente bleiben als Kopien erhalten.&lt;/p&gt;&lt;p&gt;In der Python-Konsole: &lt;code&gt;from COVIDLesionSeg import COVIDLesionSegLogic; COVIDLesionSegLogic().segment(getNode(&apos;CT&apos;))&lt;/code&gt;&lt;/p&gt;&lt;p&gt;&lt;b&gt;{notice}&lt;/b&gt;&lt;/p&gt;&lt;p&gt;Mehr in der &lt;a href=&quot;{homepage}/blob/main/docs/tutorial.md&quot;&gt;Anleitung&lt;/a&gt; und unter &lt;a href=&quot;{homepage}/blob/main/docs/troubleshooting.md&quot;&gt;Fehlersuche&lt;/a&gt; (beide auf Englisch).&lt;/p&gt;</translation>
    </message>
    <message>
        <source>The networks, losses and severity rules follow published work, cited in the &lt;a href=&quot;{homepage}&quot;&gt;documentation&lt;/a&gt;. Code: Apache-2.0. Weights carry the licence of their training data, stated on each model&apos;s card.</source>
        <translation>Netze, Verlustfunktionen und Regeln des Schweregrads folgen veröffentlichten Arbeiten, die in der &lt;a href=&quot;{homepage}&quot;&gt;Dokumentation&lt;/a&gt; zitiert sind. Code: Apache-2.0. Gewichte stehen unter der Lizenz ihrer Trainingsdaten, die auf der Karte jedes Modells steht.</translation>
    </message>
    <message>
        <source>Research use notice</source>
        <translation>Hinweis: nur für die Forschung</translation>
    </message>
</context>
<context>
    <name>Cohort</name>
    <message>
        <source>Cohort</source>
        <translation>Kohorte</translation>
    </message>
    <message>
        <source>The scene has no CT yet: load one.</source>
        <translation>Die Szene enthält noch kein CT: laden Sie eines.</translation>
    </message>
    <message>
        <source>The CTs of the scene. Click one to see it.</source>
        <translation>Die CTs der Szene. Klicken Sie eines an, um es zu sehen.</translation>
    </message>
    <message>
        <source>CTs of the scene</source>
        <translation>CTs der Szene</translation>
    </message>
    <message>
        <source>All CTs of a folder or table, one after another in the background</source>
        <translation>Alle CTs eines Ordners oder einer Tabelle, eines nach dem anderen im Hintergrund</translation>
    </message>
    <message>
        <source>Folder or table of CTs</source>
        <translation>Ordner oder Tabelle von CTs</translation>
    </message>
    <message>
        <source>A folder, which is searched with its subfolders for CT files and DICOM series; or a CSV file with the column ct.</source>
        <translation>Ein Ordner, der mit seinen Unterordnern nach CT-Dateien und DICOM-Serien durchsucht wird; oder eine CSV-Datei mit der Spalte ct.</translation>
    </message>
    <message>
        <source>Choose a folder with CTs</source>
        <translation>Einen Ordner mit CTs wählen</translation>
    </message>
    <message>
        <source>Folder...</source>
        <translation>Ordner...</translation>
    </message>
    <message>
        <source>Choose a folder with CTs.</source>
        <translation>Einen Ordner mit CTs wählen.</translation>
    </message>
    <message>
        <source>Choose a table of CTs</source>
        <translation>Eine Tabelle von CTs wählen</translation>
    </message>
    <message>
        <source>Table...</source>
        <translation>Tabelle...</translation>
    </message>
    <message>
        <source>Choose a CSV file with the column ct, and perhaps case and series.</source>
        <translation>Eine CSV-Datei mit der Spalte ct und vielleicht case und series wählen.</translation>
    </message>
    <message>
        <source>Folder for the results</source>
        <translation>Ordner für die Ergebnisse</translation>
    </message>
    <message>
        <source>New or empty; or that of an earlier run, which is then gone on with.</source>
        <translation>Neu oder leer; oder der eines früheren Laufs, der dann fortgesetzt wird.</translation>
    </message>
    <message>
        <source>Choose the folder for the results</source>
        <translation>Den Ordner für die Ergebnisse wählen</translation>
    </message>
    <message>
        <source>Results...</source>
        <translation>Ergebnisse...</translation>
    </message>
    <message>
        <source>Choose the folder for the results.</source>
        <translation>Den Ordner für die Ergebnisse wählen.</translation>
    </message>
    <message>
        <source>Try failed cases again</source>
        <translation>Fehlgeschlagene Fälle erneut versuchen</translation>
    </message>
    <message>
        <source>Cases that failed in an earlier run are left alone otherwise.</source>
        <translation>Fälle, die in einem früheren Lauf fehlschlugen, bleiben sonst, wie sie sind.</translation>
    </message>
    <message>
        <source>Segment all CTs</source>
        <translation>Alle CTs segmentieren</translation>
    </message>
    <message>
        <source>Segment every CT in the background; what is done already is left alone.</source>
        <translation>Jedes CT im Hintergrund segmentieren; was schon fertig ist, bleibt, wie es ist.</translation>
    </message>
    <message>
        <source>Segment all</source>
        <translation>Alle segmentieren</translation>
    </message>
    <message>
        <source>Open the summary</source>
        <translation>Die Zusammenfassung öffnen</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>Zusammenfassung</translation>
    </message>
    <message>
        <source>Open the table of all cases, with pictures, in the browser.</source>
        <translation>Die Tabelle aller Fälle, mit Bildern, im Browser öffnen.</translation>
    </message>
    <message>
        <source>The cases of the results folder. Double-click one to load it into the scene.</source>
        <translation>Die Fälle des Ergebnisordners. Ein Doppelklick lädt einen in die Szene.</translation>
    </message>
    <message>
        <source>Cases of the results folder</source>
        <translation>Fälle des Ergebnisordners</translation>
    </message>
</context>
<context>
    <name>Correction</name>
    <message>
        <source>Correction</source>
        <translation>Korrektur</translation>
    </message>
    <message>
        <source>What can be corrected</source>
        <translation>Was korrigiert werden kann</translation>
    </message>
    <message>
        <source>Brush paints:</source>
        <translation>Pinsel malt:</translation>
    </message>
    <message>
        <source>HU that Paint and Draw may change. The range of each can be changed below.</source>
        <translation>HU, die Malen und Zeichnen ändern dürfen. Der Bereich lässt sich unten ändern.</translation>
    </message>
    <message>
        <source>Any HU</source>
        <translation>Alle HU</translation>
    </message>
    <message>
        <source>Paint and Draw change voxels of any density.</source>
        <translation>Malen und Zeichnen ändern Voxel jeder Dichte.</translation>
    </message>
    <message>
        <source>Brush paints any density</source>
        <translation>Pinsel malt jede Dichte</translation>
    </message>
    <message>
        <source>GGO</source>
        <translation>Milchglas</translation>
    </message>
    <message>
        <source>Paint and Draw change voxels of the density of ground glass only.</source>
        <translation>Malen und Zeichnen ändern nur Voxel mit der Dichte von Milchglas.</translation>
    </message>
    <message>
        <source>Brush paints ground glass</source>
        <translation>Pinsel malt Milchglas</translation>
    </message>
    <message>
        <source>Consolidation</source>
        <translation>Konsolidierung</translation>
    </message>
    <message>
        <source>Paint and Draw change voxels of the density of consolidation only.</source>
        <translation>Malen und Zeichnen ändern nur Voxel mit der Dichte einer Konsolidierung.</translation>
    </message>
    <message>
        <source>Brush paints consolidation</source>
        <translation>Pinsel malt Konsolidierung</translation>
    </message>
    <message>
        <source>HU range:</source>
        <translation>HU-Bereich:</translation>
    </message>
    <message>
        <source>Lowest density that is painted.</source>
        <translation>Niedrigste Dichte, die gemalt wird.</translation>
    </message>
    <message>
        <source>Lowest HU painted</source>
        <translation>Niedrigste gemalte HU</translation>
    </message>
    <message>
        <source> HU</source>
        <translation> HU</translation>
    </message>
    <message>
        <source>Highest density that is painted.</source>
        <translation>Höchste Dichte, die gemalt wird.</translation>
    </message>
    <message>
        <source>Highest HU painted</source>
        <translation>Höchste gemalte HU</translation>
    </message>
    <message>
        <source>Changed since the run</source>
        <translation>Änderungen seit dem Lauf</translation>
    </message>
    <message>
        <source>Volumes added to and removed from each segment of the run, and their agreement.</source>
        <translation>Volumen, die zu jedem Segment des Laufs hinzukamen oder wegfielen, und ihre Übereinstimmung.</translation>
    </message>
    <message>
        <source>Volumes added to and removed from each segment of the run, and Dice of both: 1 where they are the same.</source>
        <translation>Volumen, die zu jedem Segment des Laufs hinzukamen oder wegfielen, und Dice von beiden: 1, wo sie gleich sind.</translation>
    </message>
    <message>
        <source>Changes since the run</source>
        <translation>Änderungen seit dem Lauf</translation>
    </message>
    <message>
        <source>Run&apos;s outline</source>
        <translation>Umriss des Laufs</translation>
    </message>
    <message>
        <source>Show the outline of the chosen segment as the run gave it, in white.</source>
        <translation>Den Umriss des gewählten Segments zeigen, wie ihn der Lauf ergab, in Weiß.</translation>
    </message>
    <message>
        <source>Show the run&apos;s outline</source>
        <translation>Den Umriss des Laufs zeigen</translation>
    </message>
    <message>
        <source>Discard corrections</source>
        <translation>Korrekturen verwerfen</translation>
    </message>
    <message>
        <source>Bring back every segment as the run gave it; the editor&apos;s Undo takes that back.</source>
        <translation>Jedes Segment so zurückholen, wie der Lauf es ergab; Rückgängig im Editor nimmt das zurück.</translation>
    </message>
</context>
<context>
    <name>Display</name>
    <message>
        <source>Display</source>
        <translation>Anzeige</translation>
    </message>
    <message>
        <source>Overlay in slice views</source>
        <translation>Überlagerung in den Schichten</translation>
    </message>
    <message>
        <source>Show a map over the CT in the slice views.</source>
        <translation>Eine Karte über dem CT in den Schichtansichten zeigen.</translation>
    </message>
    <message>
        <source>Map:</source>
        <translation>Karte:</translation>
    </message>
    <message>
        <source>The map over the CT: lesion probability, or disagreement of an ensemble.</source>
        <translation>Die Karte über dem CT: Wahrscheinlichkeit von Läsionen, oder Uneinigkeit eines Ensembles.</translation>
    </message>
    <message>
        <source>Opacity:</source>
        <translation>Deckkraft:</translation>
    </message>
    <message>
        <source>Opacity of the map over the CT.</source>
        <translation>Deckkraft der Karte über dem CT.</translation>
    </message>
    <message>
        <source>Visible from:</source>
        <translation>Sichtbar ab:</translation>
    </message>
    <message>
        <source>Values below this are transparent. Changes the display only, never a figure.</source>
        <translation>Werte darunter sind durchsichtig. Ändert nur die Anzeige, nie eine Zahl.</translation>
    </message>
    <message>
        <source>Colours:</source>
        <translation>Farben:</translation>
    </message>
    <message>
        <source>Colours of the lesion probability.</source>
        <translation>Farben der Wahrscheinlichkeit von Läsionen.</translation>
    </message>
    <message>
        <source>3D views:</source>
        <translation>3D-Ansichten:</translation>
    </message>
    <message>
        <source>What the 3D views show of the result.</source>
        <translation>Was die 3D-Ansichten vom Ergebnis zeigen.</translation>
    </message>
    <message>
        <source>Lungs in 3D:</source>
        <translation>Lungen in 3D:</translation>
    </message>
    <message>
        <source>Opacity of the lungs&apos; surfaces in the 3D views.</source>
        <translation>Deckkraft der Oberflächen der Lungen in den 3D-Ansichten.</translation>
    </message>
</context>
<context>
    <name>FollowUp</name>
    <message>
        <source>Follow-up</source>
        <translation>Verlauf</translation>
    </message>
    <message>
        <source>Load and segment two CTs of one patient, and choose the later one at the top.</source>
        <translation>Laden und segmentieren Sie zwei CTs eines Patienten, und wählen Sie oben das spätere.</translation>
    </message>
    <message>
        <source>Earlier CT:</source>
        <translation>Früheres CT:</translation>
    </message>
    <message>
        <source>Earlier CT of the same patient</source>
        <translation>Früheres CT desselben Patienten</translation>
    </message>
    <message>
        <source>An earlier CT of the same patient, with its result and your corrections. The later one is the CT on show.</source>
        <translation>Ein früheres CT desselben Patienten, mit seinem Ergebnis und Ihren Korrekturen. Das spätere ist das gezeigte CT.</translation>
    </message>
    <message>
        <source>Days between:</source>
        <translation>Tage dazwischen:</translation>
    </message>
    <message>
        <source>Days between both CTs</source>
        <translation>Tage zwischen beiden CTs</translation>
    </message>
    <message>
        <source>Days from the earlier CT to the later one, for the chart, if you know them. No date is read or written.</source>
        <translation>Tage vom früheren zum späteren CT, für das Diagramm, wenn Sie sie kennen. Kein Datum wird gelesen oder geschrieben.</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>Vergleichen</translation>
    </message>
    <message>
        <source>Compare both CTs</source>
        <translation>Beide CTs vergleichen</translation>
    </message>
    <message>
        <source>Register the lungs of both CTs, and show which lesions are new, resolved or persistent.</source>
        <translation>Die Lungen beider CTs registrieren und zeigen, welche Läsionen neu, verschwunden oder geblieben sind.</translation>
    </message>
    <message>
        <source>Lesions of both CTs by lung, each measured in its own CT.</source>
        <translation>Läsionen beider CTs nach Lunge, jede in ihrem eigenen CT gemessen.</translation>
    </message>
    <message>
        <source>Change of lesions by lung</source>
        <translation>Veränderung der Läsionen nach Lunge</translation>
    </message>
    <message>
        <source>New, resolved and persistent lesions. The segments of the later CT show them.</source>
        <translation>Neue, verschwundene und gebliebene Läsionen. Die Segmente des späteren CTs zeigen sie.</translation>
    </message>
    <message>
        <source>What became of each lesion</source>
        <translation>Was aus jeder Läsion wurde</translation>
    </message>
    <message>
        <source>Chart of lesions over both CTs</source>
        <translation>Diagramm der Läsionen beider CTs</translation>
    </message>
</context>
<context>
    <name>Inputs</name>
    <message>
        <source>Inputs</source>
        <translation>Eingaben</translation>
    </message>
    <message>
        <source>Chest CT:</source>
        <translation>Thorax-CT:</translation>
    </message>
    <message>
        <source>The chest CT to segment, in Hounsfield units (HU).</source>
        <translation>Das Thorax-CT, das segmentiert werden soll, in Hounsfield-Einheiten (HU).</translation>
    </message>
    <message>
        <source>Chest CT</source>
        <translation>Thorax-CT</translation>
    </message>
    <message>
        <source>Select a chest CT</source>
        <translation>Thorax-CT auswählen</translation>
    </message>
    <message>
        <source>Load sample CT</source>
        <translation>Beispiel-CT laden</translation>
    </message>
    <message>
        <source>Generate a chest CT with COVID-19 lesions to try the module on; no download.</source>
        <translation>Ein Thorax-CT mit COVID-19-Läsionen erzeugen, um das Modul auszuprobieren; ohne Herunterladen.</translation>
    </message>
    <message>
        <source>Lungs:</source>
        <translation>Lungen:</translation>
    </message>
    <message>
        <source>A segmentation of the lungs of this CT, such as one that you corrected: lesions are then looked for inside it. It is read only, never changed, unless it is the result itself.</source>
        <translation>Eine Segmentierung der Lungen dieses CTs, etwa eine von Ihnen korrigierte: Läsionen werden dann innerhalb davon gesucht. Sie wird nur gelesen und nie geändert, außer sie ist das Ergebnis selbst.</translation>
    </message>
    <message>
        <source>Segmentation of the lungs</source>
        <translation>Segmentierung der Lungen</translation>
    </message>
    <message>
        <source>Find them</source>
        <translation>Selbst finden</translation>
    </message>
    <message>
        <source>No segment is coded as a lung: choose which segment is which lung.</source>
        <translation>Kein Segment ist als Lunge codiert: wählen Sie, welches Segment welche Lunge ist.</translation>
    </message>
    <message>
        <source>About the lungs</source>
        <translation>Zu den Lungen</translation>
    </message>
</context>
<context>
    <name>Model</name>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Show only models with these words in their name, paper, classes or licence.</source>
        <translation>Nur Modelle zeigen, in deren Namen, Arbeit, Klassen oder Lizenz diese Wörter vorkommen.</translation>
    </message>
    <message>
        <source>Search models</source>
        <translation>Modelle suchen</translation>
    </message>
    <message>
        <source>Model that segments the lesions; trained models come first, by measured Dice. More members of an ensemble are added under Advanced.</source>
        <translation>Modell, das die Läsionen segmentiert; trainierte Modelle zuerst, nach gemessenem Dice. Weitere Mitglieder eines Ensembles kommen unter Erweitert hinzu.</translation>
    </message>
    <message>
        <source>Dice</source>
        <translation>Dice</translation>
    </message>
    <message>
        <source>Measured overlap with experts, all pixels of the outside patients together; more is said in the details.</source>
        <translation>Gemessene Überlappung mit Fachleuten, alle Pixel der fremden Patienten zusammen; mehr steht in den Einzelheiten.</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>Show models without weights</source>
        <translation>Modelle ohne Gewichte zeigen</translation>
    </message>
    <message>
        <source>List networks without trained weights, too, in all lists of models: they can be trained.</source>
        <translation>Auch Netze ohne trainierte Gewichte zeigen, in allen Listen von Modellen: sie können trainiert werden.</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Einzelheiten</translation>
    </message>
    <message>
        <source>Paper, licence, training data, scores and notes of the selected model.</source>
        <translation>Arbeit, Lizenz, Trainingsdaten, Werte und Anmerkungen des gewählten Modells.</translation>
    </message>
    <message>
        <source>Details of the model</source>
        <translation>Einzelheiten des Modells</translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation>Erweitert</translation>
    </message>
    <message>
        <source>Lungs:</source>
        <translation>Lungen:</translation>
    </message>
    <message>
        <source>Method that segments the lungs. Lesions are searched for inside the lungs only.</source>
        <translation>Verfahren, das die Lungen segmentiert. Läsionen werden nur innerhalb der Lungen gesucht.</translation>
    </message>
    <message>
        <source>Lung method</source>
        <translation>Verfahren für die Lungen</translation>
    </message>
    <message>
        <source>Second opinion:</source>
        <translation>Zweite Meinung:</translation>
    </message>
    <message>
        <source>A network for the lungs that looks at some slices, too. A flag says where it differs by more than 30 ml in one place.</source>
        <translation>Ein Netz für die Lungen, das einige Schichten ebenfalls ansieht. Ein Hinweis sagt, wo es an einer Stelle um mehr als 30 ml abweicht.</translation>
    </message>
    <message>
        <source>Second opinion on the lungs</source>
        <translation>Zweite Meinung zu den Lungen</translation>
    </message>
    <message>
        <source>Skip clean slices:</source>
        <translation>Freie auslassen:</translation>
    </message>
    <message>
        <source>A network that tells infected from clean slices. Clean ones are not segmented, which saves time, and a lesion in them is missed; a flag names them.</source>
        <translation>Ein Netz, das befallene von freien Schichten unterscheidet. Freie werden nicht segmentiert, was Zeit spart; eine Läsion in ihnen wird übersehen. Ein Hinweis nennt sie.</translation>
    </message>
    <message>
        <source>Network that finds clean slices</source>
        <translation>Netz, das freie Schichten findet</translation>
    </message>
    <message>
        <source>Device:</source>
        <translation>Gerät:</translation>
    </message>
    <message>
        <source>Where the networks run. Automatic uses a GPU if there is one.</source>
        <translation>Wo die Netze rechnen. Automatisch nimmt eine GPU, wenn es eine gibt.</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <source>Threshold:</source>
        <translation>Schwelle:</translation>
    </message>
    <message>
        <source>Lesion probability above which a voxel counts as lesion. Lower values detect more lesion, with more false positives.</source>
        <translation>Wahrscheinlichkeit, über der ein Voxel als Läsion zählt. Niedrigere Werte finden mehr Läsion, mit mehr falsch positiven.</translation>
    </message>
    <message>
        <source>Probability threshold</source>
        <translation>Schwelle der Wahrscheinlichkeit</translation>
    </message>
    <message>
        <source>Smallest lesion:</source>
        <translation>Kleinste Läsion:</translation>
    </message>
    <message>
        <source>Areas of lesion smaller than this are left out: they are mostly vessels and noise. 0 keeps all.</source>
        <translation>Kleinere Läsionen werden weggelassen: sie sind meist Gefäße und Rauschen. 0 behält alle.</translation>
    </message>
    <message>
        <source>Smallest lesion in ml</source>
        <translation>Kleinste Läsion in ml</translation>
    </message>
    <message>
        <source> ml</source>
        <translation> ml</translation>
    </message>
    <message>
        <source>CT-0 up to:</source>
        <translation>CT-0 bis:</translation>
    </message>
    <message>
        <source>A CT with no more lesion than this in all is graded CT-0, for as much is found in CTs without COVID-19. 0 grades a CT with any lesion CT-1 or more.</source>
        <translation>Ein CT mit insgesamt nicht mehr Läsion als so viel erhält CT-0, denn so viel wird auch in CTs ohne COVID-19 gefunden. Bei 0 erhält jedes CT mit einer Läsion CT-1 oder mehr.</translation>
    </message>
    <message>
        <source>Lesion volume graded CT-0, in ml</source>
        <translation>Volumen von Läsionen, das CT-0 erhält, in ml</translation>
    </message>
    <message>
        <source>Tiling:</source>
        <translation>Kacheln:</translation>
    </message>
    <message>
        <source>How slices are passed to the network: whole, as overlapping patches that are blended, or as the non-overlapping patches of the published test protocol.</source>
        <translation>Wie Schichten an das Netz gegeben werden: ganz, als überlappende Kacheln, die verschmolzen werden, oder als die nicht überlappenden Kacheln des veröffentlichten Testprotokolls.</translation>
    </message>
    <message>
        <source>Tiling</source>
        <translation>Kacheln</translation>
    </message>
    <message>
        <source>Precision:</source>
        <translation>Genauigkeit:</translation>
    </message>
    <message>
        <source>Number format of the network. Automatic uses bfloat16 only where it does not change the accuracy.</source>
        <translation>Zahlenformat des Netzes. Automatisch nimmt bfloat16 nur, wo es am Ergebnis nichts ändert.</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>Genauigkeit</translation>
    </message>
    <message>
        <source>Batch size:</source>
        <translation>Stapelgröße:</translation>
    </message>
    <message>
        <source>Slices or patches per forward pass. Lower it if memory runs out. Automatic chooses for the device.</source>
        <translation>Schichten oder Kacheln je Durchgang. Verringern Sie sie, wenn der Speicher nicht reicht. Automatisch wählt für das Gerät.</translation>
    </message>
    <message>
        <source>Batch size</source>
        <translation>Stapelgröße</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <source>Ensemble members:</source>
        <translation>Ensemble-Modelle:</translation>
    </message>
    <message>
        <source>Models whose predictions are combined with those of the model above. Only models with the same lesion classes are listed.</source>
        <translation>Modelle, deren Vorhersagen mit denen des Modells oben vereint werden. Nur Modelle mit denselben Klassen von Läsionen sind aufgeführt.</translation>
    </message>
    <message>
        <source>Ensemble members</source>
        <translation>Ensemble-Modelle</translation>
    </message>
    <message>
        <source>Ensemble rule:</source>
        <translation>Ensemble-Regel:</translation>
    </message>
    <message>
        <source>How the predictions of an ensemble are combined: by majority vote, with ties decided by the mean probability, by the mean probability, or by that of each class by itself, for models of several classes. Disabled for a single model of one class.</source>
        <translation>Wie die Vorhersagen eines Ensembles vereint werden: durch Mehrheit, wobei bei Gleichstand die mittlere Wahrscheinlichkeit entscheidet, durch die mittlere Wahrscheinlichkeit, oder durch die jeder Klasse für sich, bei Modellen mit mehreren Klassen. Nicht wählbar für ein einzelnes Modell mit einer Klasse.</translation>
    </message>
    <message>
        <source>Ensemble rule</source>
        <translation>Ensemble-Regel</translation>
    </message>
    <message>
        <source>Run untrained networks</source>
        <translation>Untrainierte Netze ausführen</translation>
    </message>
    <message>
        <source>Run networks that have no trained weights, with fixed random weights, for timing and to test the workflow. Their result is meaningless, and severity is not graded.</source>
        <translation>Netze ohne trainierte Gewichte ausführen, mit festen zufälligen Gewichten, um Zeiten zu messen und den Ablauf zu prüfen. Ihr Ergebnis hat keine Bedeutung, und es gibt keinen Schweregrad.</translation>
    </message>
</context>
<context>
    <name>Models</name>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Trained models, and where their weights are.</source>
        <translation>Trainierte Modelle, und wo ihre Gewichte liegen.</translation>
    </message>
    <message>
        <source>Trained models</source>
        <translation>Trainierte Modelle</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>Gewichte</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Checksum, licence and training lineage of the selected model.</source>
        <translation>Prüfsumme, Lizenz und Herkunft des gewählten Modells.</translation>
    </message>
    <message>
        <source>Files and lineage of the model</source>
        <translation>Dateien und Herkunft des Modells</translation>
    </message>
    <message>
        <source>Set as default</source>
        <translation>Als Standard</translation>
    </message>
    <message>
        <source>Verify this model and use it from now on where no other is chosen.</source>
        <translation>Dieses Modell prüfen und von nun an verwenden, wo kein anderes gewählt ist.</translation>
    </message>
    <message>
        <source>Roll back</source>
        <translation>Zurücknehmen</translation>
    </message>
    <message>
        <source>Make the earlier default model the default again.</source>
        <translation>Das frühere Standardmodell wieder zum Standard machen.</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>Einlesen…</translation>
    </message>
    <message>
        <source>Add a model from an exported archive, or from a card with its weights.</source>
        <translation>Ein Modell aus einem Archiv hinzufügen, oder aus einer Karte mit ihren Gewichten.</translation>
    </message>
    <message>
        <source>Import</source>
        <translation>Einlesen</translation>
    </message>
    <message>
        <source>Another id for the imported model, where its own is taken.</source>
        <translation>Eine andere Kennung für das eingelesene Modell, wenn seine eigene vergeben ist.</translation>
    </message>
    <message>
        <source>Id of the imported model</source>
        <translation>Kennung des eingelesenen Modells</translation>
    </message>
    <message>
        <source>with its own id</source>
        <translation>mit eigener Kennung</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>Ausgeben…</translation>
    </message>
    <message>
        <source>Write this model into one file for others.</source>
        <translation>Dieses Modell für andere in eine Datei schreiben.</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Ausgeben</translation>
    </message>
    <message>
        <source>Verify</source>
        <translation>Prüfen</translation>
    </message>
    <message>
        <source>Compare the weights file with the checksum on the model&apos;s card.</source>
        <translation>Die Datei der Gewichte mit der Prüfsumme auf der Karte des Modells vergleichen.</translation>
    </message>
    <message>
        <source>Download…</source>
        <translation>Herunterladen…</translation>
    </message>
    <message>
        <source>Download the weights of this model, after asking.</source>
        <translation>Die Gewichte dieses Modells herunterladen, nach einer Frage.</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>Herunterladen</translation>
    </message>
    <message>
        <source>Empty downloads…</source>
        <translation>Downloads leeren…</translation>
    </message>
    <message>
        <source>Remove downloaded weights.</source>
        <translation>Heruntergeladene Gewichte entfernen.</translation>
    </message>
    <message>
        <source>Empty downloads</source>
        <translation>Downloads leeren</translation>
    </message>
    <message>
        <source>Remove…</source>
        <translation>Entfernen…</translation>
    </message>
    <message>
        <source>Remove this model of yours, card and weights, after asking.</source>
        <translation>Dieses eigene Modell entfernen, Karte und Gewichte, nach einer Frage.</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>Ordner öffnen</translation>
    </message>
    <message>
        <source>Show the folder of your own models.</source>
        <translation>Den Ordner Ihrer eigenen Modelle zeigen.</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Stop the present job.</source>
        <translation>Die laufende Arbeit abbrechen.</translation>
    </message>
</context>
<context>
    <name>Restore</name>
    <message>
        <source>Earlier review of this CT</source>
        <translation>Frühere Begutachtung dieses CTs</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>Wiederherstellen</translation>
    </message>
    <message>
        <source>Bring back the result, your edits, verdict and note, as one step that can be undone.</source>
        <translation>Ergebnis, Ihre Änderungen, Urteil und Notiz zurückholen, als ein Schritt, der rückgängig gemacht werden kann.</translation>
    </message>
    <message>
        <source>Restore the earlier review</source>
        <translation>Die frühere Begutachtung wiederherstellen</translation>
    </message>
    <message>
        <source>Not now</source>
        <translation>Jetzt nicht</translation>
    </message>
    <message>
        <source>Go on without the earlier review. It stays in the folder of reviewed cases.</source>
        <translation>Ohne die frühere Begutachtung weitermachen. Sie bleibt im Ordner der begutachteten Fälle.</translation>
    </message>
    <message>
        <source>Go on without the earlier review</source>
        <translation>Ohne die frühere Begutachtung weitermachen</translation>
    </message>
</context>
<context>
    <name>Results</name>
    <message>
        <source>Results</source>
        <translation>Ergebnisse</translation>
    </message>
    <message>
        <source>Severity category and infected fraction of the lungs, by the rule below.</source>
        <translation>Schweregrad und befallener Anteil der Lungen, nach der Regel unten.</translation>
    </message>
    <message>
        <source>Severity</source>
        <translation>Schweregrad</translation>
    </message>
    <message>
        <source>Published rule that decides which category is shown large. The table below holds all of them.</source>
        <translation>Veröffentlichte Regel, nach der der groß gezeigte Schweregrad bestimmt wird. Die Tabelle unten enthält alle.</translation>
    </message>
    <message>
        <source>Severity rule</source>
        <translation>Regel des Schweregrads</translation>
    </message>
    <message>
        <source>The figures are those of the CT that was segmented, not of the one in the scene now.</source>
        <translation>Die Werte gehören zu dem CT, das segmentiert wurde, nicht zu dem, das jetzt in der Szene ist.</translation>
    </message>
    <message>
        <source>Flags of the run, before corrections</source>
        <translation>Hinweise des Laufs, vor Korrekturen</translation>
    </message>
    <message>
        <source>Quality flags are found by a run: what you corrected since may have settled some of them.</source>
        <translation>Qualitätshinweise findet ein Lauf: was Sie seitdem korrigiert haben, kann einige davon erledigt haben.</translation>
    </message>
    <message>
        <source>Quality flags: what may make this result unreliable.</source>
        <translation>Qualitätshinweise: was dieses Ergebnis unzuverlässig machen kann.</translation>
    </message>
    <message>
        <source>Quality flags</source>
        <translation>Qualitätshinweise</translation>
    </message>
    <message>
        <source>Previous flagged slice</source>
        <translation>Voriger Hinweis</translation>
    </message>
    <message>
        <source>Show the next slice below that a quality flag names.</source>
        <translation>Die nächste Schicht darunter zeigen, die ein Qualitätshinweis nennt.</translation>
    </message>
    <message>
        <source>Next flagged slice</source>
        <translation>Nächster Hinweis</translation>
    </message>
    <message>
        <source>Show the next slice above that a quality flag names.</source>
        <translation>Die nächste Schicht darüber zeigen, die ein Qualitätshinweis nennt.</translation>
    </message>
    <message>
        <source>Corrected by the user</source>
        <translation>Von Hand korrigiert</translation>
    </message>
    <message>
        <source>Corrected after the run</source>
        <translation>Nach dem Lauf korrigiert</translation>
    </message>
    <message>
        <source>Volumes of each lung and of the lesions in it. Confidence, 0 to 1, is the share of the lesions that experts would be expected to mark, too; calibrated models state it.</source>
        <translation>Volumen jeder Lunge und der Läsionen darin. Sicherheit, 0 bis 1, ist der Anteil der Läsionen, von dem zu erwarten ist, dass ihn auch Fachleute einzeichnen; kalibrierte Modelle geben sie an.</translation>
    </message>
    <message>
        <source>Volumes by lung</source>
        <translation>Volumen nach Lunge</translation>
    </message>
    <message>
        <source>By lobe</source>
        <translation>Nach Lappen</translation>
    </message>
    <message>
        <source>A segmentation of the lobes of this CT. It is read only, never changed.</source>
        <translation>Eine Segmentierung der Lappen dieses CTs. Sie wird nur gelesen, nie geändert.</translation>
    </message>
    <message>
        <source>Segmentation of the lobes</source>
        <translation>Segmentierung der Lappen</translation>
    </message>
    <message>
        <source>No segmentation of lobes</source>
        <translation>Keine Segmentierung der Lappen</translation>
    </message>
    <message>
        <source>About the lobes</source>
        <translation>Zu den Lappen</translation>
    </message>
    <message>
        <source>Volumes of each lobe and of the lesions in it.</source>
        <translation>Volumen jedes Lappens und der Läsionen darin.</translation>
    </message>
    <message>
        <source>Volumes by lobe</source>
        <translation>Volumen nach Lappen</translation>
    </message>
    <message>
        <source>Chart by slice</source>
        <translation>Kurve nach Schicht</translation>
    </message>
    <message>
        <source>Show the infected part of the lungs slice by slice in a plot view. Click a point to see its slice.</source>
        <translation>Den befallenen Teil der Lungen Schicht für Schicht in einer Kurve zeigen. Klicken Sie einen Punkt an, um seine Schicht zu sehen.</translation>
    </message>
    <message>
        <source>Lesions one by one</source>
        <translation>Einzelne Läsionen</translation>
    </message>
    <message>
        <source>Whose lesions the table lists: those of the segmentation, or those that a detector finds slice by slice.</source>
        <translation>Wessen Läsionen die Tabelle zeigt: die der Segmentierung oder die, die ein Detektor Schicht für Schicht findet.</translation>
    </message>
    <message>
        <source>Whose lesions are listed</source>
        <translation>Wessen Läsionen gezeigt werden</translation>
    </message>
    <message>
        <source>Find lesions with the detector</source>
        <translation>Läsionen mit dem Detektor suchen</translation>
    </message>
    <message>
        <source>Look at every slice of the lungs of this result; the segmentation is not changed.</source>
        <translation>Jede Schicht der Lungen dieses Ergebnisses ansehen; die Segmentierung bleibt, wie sie ist.</translation>
    </message>
    <message>
        <source>What the detector found</source>
        <translation>Was der Detektor gefunden hat</translation>
    </message>
    <message>
        <source>Lesions in three dimensions, the largest first. Choose a row to see the lesion.</source>
        <translation>Läsionen in drei Dimensionen, die größte zuerst. Wählen Sie eine Zeile, um die Läsion zu sehen.</translation>
    </message>
    <message>
        <source>Chart of the slices&apos; classes</source>
        <translation>Diagramm der Klassen der Schichten</translation>
    </message>
    <message>
        <source>Show the probability of every class slice by slice in a plot view. Click a point to see its slice.</source>
        <translation>Die Wahrscheinlichkeit jeder Klasse Schicht für Schicht in einer Diagrammansicht zeigen. Klicken Sie auf einen Punkt, um seine Schicht zu sehen.</translation>
    </message>
    <message>
        <source>Mark lesions</source>
        <translation>Läsionen markieren</translation>
    </message>
    <message>
        <source>Put a numbered point on every lesion of the table.</source>
        <translation>Einen nummerierten Punkt auf jede Läsion der Tabelle setzen.</translation>
    </message>
    <message>
        <source>Show every lesion of the table in a colour of its own: as a segmentation with a segment for each, or as one label map.</source>
        <translation>Jede Läsion der Tabelle in einer eigenen Farbe zeigen: als Segmentierung mit einem Segment für jede oder als eine Label-Map.</translation>
    </message>
    <message>
        <source>Lesions in colours of their own</source>
        <translation>Läsionen in eigenen Farben</translation>
    </message>
    <message>
        <source>Lesions in one colour</source>
        <translation>Läsionen in einer Farbe</translation>
    </message>
    <message>
        <source>A segment for each lesion</source>
        <translation>Ein Segment für jede Läsion</translation>
    </message>
    <message>
        <source>One label map of all lesions</source>
        <translation>Eine Label-Map aller Läsionen</translation>
    </message>
    <message>
        <source>Severity by rule</source>
        <translation>Schweregrad nach Regel</translation>
    </message>
    <message>
        <source>Severity category of this result by each published rule.</source>
        <translation>Schweregrad dieses Ergebnisses nach jeder veröffentlichten Regel.</translation>
    </message>
    <message>
        <source>Save a copy without patient data...</source>
        <translation>Kopie ohne Patientendaten speichern...</translation>
    </message>
    <message>
        <source>Save this CT and its result as a Slicer scene with neutral names, without DICOM attributes and without patient and study items. This scene stays as it is.</source>
        <translation>Dieses CT und sein Ergebnis als Slicer-Szene mit neutralen Namen speichern, ohne DICOM-Attribute und ohne Einträge von Patient und Studie. Diese Szene bleibt, wie sie ist.</translation>
    </message>
    <message>
        <source>Save a copy without patient data</source>
        <translation>Kopie ohne Patientendaten speichern</translation>
    </message>
</context>
<context>
    <name>Retrain</name>
    <message>
        <source>Retrain</source>
        <translation>Nachtraining</translation>
    </message>
    <message>
        <source>Reviewed cases</source>
        <translation>Begutachtete Fälle</translation>
    </message>
    <message>
        <source>Base model:</source>
        <translation>Ausgangsmodell:</translation>
    </message>
    <message>
        <source>Model whose weights the training starts with. Only models that say whom they learned from are listed, as others cannot be evaluated fairly.</source>
        <translation>Modell, mit dessen Gewichten das Training beginnt. Nur Modelle, die sagen, von wem sie gelernt haben, sind aufgeführt, da andere nicht redlich bewertet werden können.</translation>
    </message>
    <message>
        <source>Base model of the training</source>
        <translation>Ausgangsmodell des Trainings</translation>
    </message>
    <message>
        <source>Steps:</source>
        <translation>Schritte:</translation>
    </message>
    <message>
        <source>Training steps. More steps take longer and follow the reviewed cases more closely.</source>
        <translation>Trainingsschritte. Mehr Schritte dauern länger und folgen den begutachteten Fällen genauer.</translation>
    </message>
    <message>
        <source>Training steps</source>
        <translation>Trainingsschritte</translation>
    </message>
    <message>
        <source>Learn from confident predictions, too</source>
        <translation>Auch von sicheren Vorhersagen lernen</translation>
    </message>
    <message>
        <source>Also learn from slices of the CTs in this scene that have no verdict, where the base model is confident (COVID-Rate). CTs with a verdict and held-out patients are left out.</source>
        <translation>Auch von Schichten der CTs dieser Szene lernen, die kein Urteil haben, wo das Ausgangsmodell sicher ist (COVID-Rate). CTs mit einem Urteil und zurückgehaltene Patienten bleiben außen vor.</translation>
    </message>
    <message>
        <source>Also learn from confident predictions of the CTs in this scene</source>
        <translation>Auch von sicheren Vorhersagen der CTs dieser Szene lernen</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>Trainieren</translation>
    </message>
    <message>
        <source>Train in the background.</source>
        <translation>Im Hintergrund trainieren.</translation>
    </message>
    <message>
        <source>Train or cancel</source>
        <translation>Trainieren oder abbrechen</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>Go on with the training that was interrupted, from its last checkpoint and with the cases it began with.</source>
        <translation>Das unterbrochene Training fortsetzen, vom letzten Zwischenstand aus und mit den Fällen, mit denen es begann.</translation>
    </message>
    <message>
        <source>Resume the interrupted training</source>
        <translation>Das unterbrochene Training fortsetzen</translation>
    </message>
    <message>
        <source>Training curve</source>
        <translation>Trainingskurve</translation>
    </message>
    <message>
        <source>Show or hide the training loss, and the Dice of some held-out slices, in a plot view.</source>
        <translation>Den Trainingsverlust und den Dice einiger zurückgehaltener Schichten in einer Kurve zeigen oder verbergen.</translation>
    </message>
    <message>
        <source>Show or hide the training curve</source>
        <translation>Die Trainingskurve zeigen oder verbergen</translation>
    </message>
    <message>
        <source>Progress of the training</source>
        <translation>Fortschritt des Trainings</translation>
    </message>
    <message>
        <source>Status of the training</source>
        <translation>Stand des Trainings</translation>
    </message>
    <message>
        <source>Show log</source>
        <translation>Protokoll zeigen</translation>
    </message>
    <message>
        <source>Show what the training printed before it failed. It names no patient.</source>
        <translation>Zeigen, was das Training ausgab, bevor es scheiterte. Kein Patient wird genannt.</translation>
    </message>
    <message>
        <source>Show the log of the training</source>
        <translation>Das Protokoll des Trainings zeigen</translation>
    </message>
    <message>
        <source>Whether the model may be promoted, and why</source>
        <translation>Ob das Modell zum Standard werden darf, und warum</translation>
    </message>
    <message>
        <source>Agreement with the corrected lesions of held-out patients, before and after the training.</source>
        <translation>Übereinstimmung mit den korrigierten Läsionen zurückgehaltener Patienten, vor und nach dem Training.</translation>
    </message>
    <message>
        <source>Old and new model on held-out patients</source>
        <translation>Altes und neues Modell bei zurückgehaltenen Patienten</translation>
    </message>
    <message>
        <source>Slice in which the models differ</source>
        <translation>Schicht, in der die Modelle voneinander abweichen</translation>
    </message>
    <message>
        <source>Caption of the picture</source>
        <translation>Bildunterschrift</translation>
    </message>
    <message>
        <source>Previous</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>Show the previous slice in which the models differ.</source>
        <translation>Die vorige Schicht zeigen, in der die Modelle voneinander abweichen.</translation>
    </message>
    <message>
        <source>Previous picture</source>
        <translation>Voriges Bild</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Show the next slice in which the models differ.</source>
        <translation>Die nächste Schicht zeigen, in der die Modelle voneinander abweichen.</translation>
    </message>
    <message>
        <source>Next picture</source>
        <translation>Nächstes Bild</translation>
    </message>
    <message>
        <source>All scores</source>
        <translation>Alle Werte</translation>
    </message>
    <message>
        <source>Open the page with all scores of both models in the web browser.</source>
        <translation>Die Seite mit allen Werten beider Modelle im Browser öffnen.</translation>
    </message>
    <message>
        <source>Open all scores</source>
        <translation>Alle Werte öffnen</translation>
    </message>
    <message>
        <source>Promote</source>
        <translation>Zum Standard machen</translation>
    </message>
    <message>
        <source>Add the model to yours, and make it the default.</source>
        <translation>Das Modell zu Ihren hinzufügen und zum Standard machen.</translation>
    </message>
    <message>
        <source>Promote the model</source>
        <translation>Das Modell zum Standard machen</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>Behalten</translation>
    </message>
    <message>
        <source>Add the model to yours, without making it the default.</source>
        <translation>Das Modell zu Ihren hinzufügen, ohne es zum Standard zu machen.</translation>
    </message>
    <message>
        <source>Keep the model</source>
        <translation>Das Modell behalten</translation>
    </message>
    <message>
        <source>Lineage</source>
        <translation>Herkunft</translation>
    </message>
    <message>
        <source>Lineage of the model</source>
        <translation>Herkunft des Modells</translation>
    </message>
    <message>
        <source>Discard</source>
        <translation>Verwerfen</translation>
    </message>
    <message>
        <source>Remove the training and its model.</source>
        <translation>Das Training und sein Modell entfernen.</translation>
    </message>
    <message>
        <source>Discard the training and its model</source>
        <translation>Das Training und sein Modell verwerfen</translation>
    </message>
    <message>
        <source>Roll back</source>
        <translation>Zurücknehmen</translation>
    </message>
    <message>
        <source>Go back to the default model before the last promotion.</source>
        <translation>Zum Standardmodell vor der letzten Änderung zurückkehren.</translation>
    </message>
    <message>
        <source>Roll back the promotion</source>
        <translation>Die Änderung des Standards zurücknehmen</translation>
    </message>
</context>
<context>
    <name>Review</name>
    <message>
        <source>Review</source>
        <translation>Begutachtung</translation>
    </message>
    <message>
        <source>Slices left to review</source>
        <translation>Schichten, die noch zu begutachten sind</translation>
    </message>
    <message>
        <source>Slices to look at, the most doubtful first. Choose a row to see the slice.</source>
        <translation>Schichten zum Ansehen, die zweifelhafteste zuerst. Wählen Sie eine Zeile, um die Schicht zu sehen.</translation>
    </message>
    <message>
        <source>Slices to review</source>
        <translation>Zu begutachtende Schichten</translation>
    </message>
    <message>
        <source>Previous</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>Show the slice before in the list.</source>
        <translation>Die Schicht davor in der Liste zeigen.</translation>
    </message>
    <message>
        <source>Previous slice to review</source>
        <translation>Vorige zu begutachtende Schicht</translation>
    </message>
    <message>
        <source>Seen</source>
        <translation>Gesehen</translation>
    </message>
    <message>
        <source>Mark the chosen slice as seen, or as not seen.</source>
        <translation>Die gewählte Schicht als gesehen oder nicht gesehen kennzeichnen.</translation>
    </message>
    <message>
        <source>Slice was seen</source>
        <translation>Schicht wurde gesehen</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Mark the chosen slice as seen, and show the next of the list.</source>
        <translation>Die gewählte Schicht als gesehen kennzeichnen und die nächste der Liste zeigen.</translation>
    </message>
    <message>
        <source>Next slice to review</source>
        <translation>Nächste zu begutachtende Schicht</translation>
    </message>
    <message>
        <source>Accept</source>
        <translation>Annehmen</translation>
    </message>
    <message>
        <source>The result is right as it is.</source>
        <translation>Das Ergebnis ist so richtig.</translation>
    </message>
    <message>
        <source>Verdict accepted</source>
        <translation>Urteil: angenommen</translation>
    </message>
    <message>
        <source>Corrected</source>
        <translation>Korrigiert</translation>
    </message>
    <message>
        <source>The result is right after your edits.</source>
        <translation>Das Ergebnis ist nach Ihren Änderungen richtig.</translation>
    </message>
    <message>
        <source>Verdict corrected</source>
        <translation>Urteil: korrigiert</translation>
    </message>
    <message>
        <source>Reject</source>
        <translation>Ablehnen</translation>
    </message>
    <message>
        <source>The result is of no use.</source>
        <translation>Das Ergebnis ist unbrauchbar.</translation>
    </message>
    <message>
        <source>Verdict rejected</source>
        <translation>Urteil: abgelehnt</translation>
    </message>
    <message>
        <source>Verdicts on earlier results</source>
        <translation>Urteile über frühere Ergebnisse</translation>
    </message>
    <message>
        <source>Note on this case, kept with the verdict. Write nothing that identifies the patient.</source>
        <translation>Notiz zu diesem Fall, die mit dem Urteil aufbewahrt wird. Schreiben Sie nichts, was den Patienten erkennen lässt.</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Notiz</translation>
    </message>
    <message>
        <source>Note on this case; nothing that identifies the patient</source>
        <translation>Notiz zu diesem Fall; nichts, was den Patienten erkennen lässt</translation>
    </message>
    <message>
        <source>Question whether reviewed cases may be kept</source>
        <translation>Frage, ob begutachtete Fälle aufbewahrt werden dürfen</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>Behalten</translation>
    </message>
    <message>
        <source>Keep reviewed cases, also those of this scene. You can change this later.</source>
        <translation>Begutachtete Fälle aufbewahren, auch die dieser Szene. Sie können das später ändern.</translation>
    </message>
    <message>
        <source>Keep reviewed cases</source>
        <translation>Begutachtete Fälle aufbewahren</translation>
    </message>
    <message>
        <source>Do not keep</source>
        <translation>Nicht aufbewahren</translation>
    </message>
    <message>
        <source>Verdict, note and edits stay in the scene only. You can change this later.</source>
        <translation>Urteil, Notiz und Änderungen bleiben nur in der Szene. Sie können das später ändern.</translation>
    </message>
    <message>
        <source>Do not keep reviewed cases</source>
        <translation>Begutachtete Fälle nicht aufbewahren</translation>
    </message>
    <message>
        <source>Keep reviewed cases for retraining</source>
        <translation>Begutachtete Fälle zum Nachtraining aufbewahren</translation>
    </message>
    <message>
        <source>Save CT, result, edits, verdict and note while you review.</source>
        <translation>CT, Ergebnis, Änderungen, Urteil und Notiz speichern, während Sie begutachten.</translation>
    </message>
    <message>
        <source>Where the review is kept</source>
        <translation>Wo die Begutachtung aufbewahrt wird</translation>
    </message>
    <message>
        <source>All cases, the most urgent first:</source>
        <translation>Alle Fälle, die dringendsten zuerst:</translation>
    </message>
    <message>
        <source>CTs of the scene with a result, and reviewed cases in your folder: those without a verdict first, then by quality flags and by the volume in doubt. Double-click a case to see it.</source>
        <translation>CTs der Szene mit einem Ergebnis, und begutachtete Fälle in Ihrem Ordner: zuerst die ohne Urteil, dann nach Qualitätshinweisen und nach dem zweifelhaften Volumen. Doppelklicken Sie einen Fall, um ihn zu sehen.</translation>
    </message>
    <message>
        <source>Cases to review</source>
        <translation>Zu begutachtende Fälle</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Show the CT of this case.</source>
        <translation>Das CT dieses Falls zeigen.</translation>
    </message>
    <message>
        <source>Open the chosen case</source>
        <translation>Den gewählten Fall öffnen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Delete this case, with its CT, from the folder of reviewed cases.</source>
        <translation>Diesen Fall mit seinem CT aus dem Ordner der begutachteten Fälle löschen.</translation>
    </message>
    <message>
        <source>Delete the chosen case</source>
        <translation>Den gewählten Fall löschen</translation>
    </message>
    <message>
        <source>Damaged cases</source>
        <translation>Beschädigte Fälle</translation>
    </message>
</context>
<context>
    <name>Run</name>
    <message>
        <source>Apply</source>
        <translation>Anwenden</translation>
    </message>
    <message>
        <source>Apply or cancel</source>
        <translation>Anwenden oder abbrechen</translation>
    </message>
    <message>
        <source>Lungs only</source>
        <translation>Nur Lungen</translation>
    </message>
    <message>
        <source>Find the lungs only, to correct them before lesions are looked for.</source>
        <translation>Nur die Lungen finden, um sie zu korrigieren, bevor Läsionen gesucht werden.</translation>
    </message>
    <message>
        <source>Find the lungs only</source>
        <translation>Nur die Lungen finden</translation>
    </message>
    <message>
        <source>Progress of the segmentation</source>
        <translation>Fortschritt der Segmentierung</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>Stand</translation>
    </message>
    <message>
        <source>Show log</source>
        <translation>Protokoll zeigen</translation>
    </message>
    <message>
        <source>Show what the background process printed before it failed. It names no patient.</source>
        <translation>Zeigen, was der Hintergrundprozess ausgab, bevor er scheiterte. Kein Patient wird genannt.</translation>
    </message>
    <message>
        <source>Show the log of the background process</source>
        <translation>Das Protokoll des Hintergrundprozesses zeigen</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Restore the results that this CT had before its last run. Enabled after a run in this session.</source>
        <translation>Die Ergebnisse zurückholen, die dieses CT vor seinem letzten Lauf hatte. Möglich nach einem Lauf in dieser Sitzung.</translation>
    </message>
    <message>
        <source>Undo the last run</source>
        <translation>Den letzten Lauf rückgängig machen</translation>
    </message>
</context>
<context>
    <name>panel.about_text</name>
    <message>
        <source>Documentation</source>
        <translation>Dokumentation</translation>
    </message>
    <message>
        <source>Please cite the papers whose methods you use</source>
        <translation>Bitte zitieren Sie die Arbeiten, deren Methoden Sie verwenden</translation>
    </message>
    <message>
        <source>Licences</source>
        <translation>Lizenzen</translation>
    </message>
    <message>
        <source>Code: Apache-2.0.</source>
        <translation>Code: Apache-2.0.</translation>
    </message>
    <message>
        <source>Keyboard, while this module is open</source>
        <translation>Tastatur, solange dieses Modul offen ist</translation>
    </message>
    <message>
        <source>Privacy</source>
        <translation>Datenschutz</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>Dateien</translation>
    </message>
    <message>
        <source>Installation without internet</source>
        <translation>Installation ohne Internet</translation>
    </message>
    <message>
        <source>Everything runs on this computer. Nothing is uploaded and nothing is counted. The internet is used only for downloads that you were asked about.</source>
        <translation>Alles läuft auf diesem Computer. Nichts wird hochgeladen und nichts wird gezählt. Das Internet wird nur für Downloads verwendet, nach denen Sie gefragt wurden.</translation>
    </message>
    <message>
        <source>Accepted on this computer.</source>
        <translation>Auf diesem Computer angenommen.</translation>
    </message>
    <message>
        <source>Weights: {licence}. {note} {state}</source>
        <translation>Gewichte: {licence}. {note} {state}</translation>
    </message>
</context>
<context>
    <name>panel.choices</name>
    <message>
        <source>Majority vote</source>
        <translation>Mehrheit</translation>
    </message>
    <message>
        <source>Mean probability</source>
        <translation>Mittlere Wahrscheinlichkeit</translation>
    </message>
    <message>
        <source>Mean probability of each class</source>
        <translation>Mittlere Wahrscheinlichkeit jeder Klasse</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>NVIDIA GPU (CUDA)</source>
        <translation>NVIDIA-GPU (CUDA)</translation>
    </message>
    <message>
        <source>Apple GPU (MPS)</source>
        <translation>Apple-GPU (MPS)</translation>
    </message>
    <message>
        <source>Thresholding (no network)</source>
        <translation>Schwellenwert (ohne Netz)</translation>
    </message>
    <message>
        <source>lungmask R231 (weights not included)</source>
        <translation>lungmask R231 (Gewichte nicht enthalten)</translation>
    </message>
    <message>
        <source>lungmask R231CovidWeb (weights not included)</source>
        <translation>lungmask R231CovidWeb (Gewichte nicht enthalten)</translation>
    </message>
    <message>
        <source>Whole slices</source>
        <translation>Ganze Schichten</translation>
    </message>
    <message>
        <source>Overlapping patches</source>
        <translation>Überlappende Kacheln</translation>
    </message>
    <message>
        <source>Non-overlapping patches (as published)</source>
        <translation>Nicht überlappende Kacheln (wie veröffentlicht)</translation>
    </message>
    <message>
        <source>Full (float32)</source>
        <translation>Voll (float32)</translation>
    </message>
    <message>
        <source>Reduced (bfloat16)</source>
        <translation>Verringert (bfloat16)</translation>
    </message>
    <message>
        <source>Lesion probability</source>
        <translation>Wahrscheinlichkeit von Läsionen</translation>
    </message>
    <message>
        <source>Ensemble disagreement</source>
        <translation>Uneinigkeit des Ensembles</translation>
    </message>
    <message>
        <source>Jet</source>
        <translation>Jet</translation>
    </message>
    <message>
        <source>Perceptually uniform</source>
        <translation>Gleichmäßig wahrnehmbar</translation>
    </message>
    <message>
        <source>Surfaces</source>
        <translation>Oberflächen</translation>
    </message>
    <message>
        <source>Volume rendering</source>
        <translation>Volumendarstellung</translation>
    </message>
    <message>
        <source>Nothing</source>
        <translation>Nichts</translation>
    </message>
    <message>
        <source>Worse lung (Pal Das et al. 2022)</source>
        <translation>Schlechtere Lunge (Pal Das et al. 2022)</translation>
    </message>
    <message>
        <source>Mean over slices (Qiblawey et al. 2021)</source>
        <translation>Mittel über die Schichten (Qiblawey et al. 2021)</translation>
    </message>
    <message>
        <source>Both lungs pooled</source>
        <translation>Beide Lungen zusammen</translation>
    </message>
    <message>
        <source>None</source>
        <translation>Keine</translation>
    </message>
    <message>
        <source>{title} (not trained)</source>
        <translation>{title} (nicht trainiert)</translation>
    </message>
    <message>
        <source>{title} (weights not installed)</source>
        <translation>{title} (Gewichte nicht installiert)</translation>
    </message>
</context>
<context>
    <name>panel.cohort_files</name>
    <message>
        <source>Opening the case - {stage}</source>
        <translation>Der Fall wird geöffnet - {stage}</translation>
    </message>
    <message>
        <source>The scene was closed, so the case was not opened.</source>
        <translation>Die Szene wurde geschlossen, daher wurde der Fall nicht geöffnet.</translation>
    </message>
    <message>
        <source>Folder with CTs</source>
        <translation>Ordner mit CTs</translation>
    </message>
    <message>
        <source>Table of CTs</source>
        <translation>Tabelle von CTs</translation>
    </message>
    <message>
        <source>Tables (*.csv)</source>
        <translation>Tabellen (*.csv)</translation>
    </message>
    <message>
        <source>Folder for the results</source>
        <translation>Ordner für die Ergebnisse</translation>
    </message>
    <message>
        <source>Open the module first.</source>
        <translation>Öffnen Sie zuerst das Modul.</translation>
    </message>
    <message>
        <source>Choose a folder with CTs, or a table of them.</source>
        <translation>Wählen Sie einen Ordner mit CTs oder eine Tabelle von CTs.</translation>
    </message>
    <message>
        <source>Choose a folder for the results.</source>
        <translation>Wählen Sie einen Ordner für die Ergebnisse.</translation>
    </message>
    <message>
        <source>Stopped: what is finished stays. Start again to go on.</source>
        <translation>Angehalten: Was fertig ist, bleibt. Starten Sie erneut, um fortzufahren.</translation>
    </message>
    <message>
        <source>The cohort could not be started.</source>
        <translation>Die Kohorte konnte nicht gestartet werden.</translation>
    </message>
    <message>
        <source>{done} done, {failed} failed.</source>
        <translation>{done} fertig, {failed} fehlgeschlagen.</translation>
    </message>
    <message>
        <source>The case could not be opened.</source>
        <translation>Der Fall konnte nicht geöffnet werden.</translation>
    </message>
    <message>
        <source>The case could not be shown.</source>
        <translation>Der Fall konnte nicht angezeigt werden.</translation>
    </message>
    <message>
        <source>{name} is in the scene.</source>
        <translation>{name} ist in der Szene.</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Segment all</source>
        <translation>Alle segmentieren</translation>
    </message>
    <message>
        <source>Stop; what is finished stays, and starting again goes on.</source>
        <translation>Anhalten; was fertig ist, bleibt, und ein neuer Start fährt fort.</translation>
    </message>
    <message>
        <source>Segment every CT in the background; what is done already is left alone.</source>
        <translation>Jedes CT im Hintergrund segmentieren; was schon fertig ist, bleibt, wie es ist.</translation>
    </message>
</context>
<context>
    <name>panel.cohort_list</name>
    <message>
        <source>Case</source>
        <translation>Fall</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>Stand</translation>
    </message>
    <message>
        <source>Severity</source>
        <translation>Schweregrad</translation>
    </message>
    <message>
        <source>Infected</source>
        <translation>Befallen</translation>
    </message>
    <message>
        <source>Remarks</source>
        <translation>Bemerkungen</translation>
    </message>
    <message>
        <source>It is not finished yet.</source>
        <translation>Er ist noch nicht fertig.</translation>
    </message>
    <message>
        <source>begun</source>
        <translation>begonnen</translation>
    </message>
    <message>
        <source>done</source>
        <translation>fertig</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>fehlgeschlagen</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
</context>
<context>
    <name>panel.dialogs</name>
    <message>
        <source>{file} is there already. Replace it?</source>
        <translation>{file} ist schon da. Ersetzen?</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
</context>
<context>
    <name>panel.model_obstacles</name>
    <message>
        <source>Only a model for lesions can be the default.</source>
        <translation>Nur ein Modell für Läsionen kann der Standard sein.</translation>
    </message>
    <message>
        <source>This model is the default already.</source>
        <translation>Dieses Modell ist schon der Standard.</translation>
    </message>
    <message>
        <source>No model was made the default, so there is none before.</source>
        <translation>Kein Modell wurde zum Standard gemacht, daher gibt es kein früheres.</translation>
    </message>
    <message>
        <source>This model was not made the default; the last one was {model}: choose that.</source>
        <translation>Dieses Modell wurde nicht zum Standard gemacht; zuletzt war es {model}: wählen Sie das.</translation>
    </message>
    <message>
        <source>The weights of this model are on this computer already.</source>
        <translation>Die Gewichte dieses Modells sind schon auf diesem Computer.</translation>
    </message>
    <message>
        <source>The card of this model names no address to download from.</source>
        <translation>Die Karte dieses Modells nennt keine Adresse zum Herunterladen.</translation>
    </message>
    <message>
        <source>Models that ship with this software stay.</source>
        <translation>Modelle, die mit dieser Software kommen, bleiben.</translation>
    </message>
    <message>
        <source>This model is the default: roll back, or set another one as default, first.</source>
        <translation>Dieses Modell ist der Standard: nehmen Sie das zuerst zurück, oder machen Sie ein anderes zum Standard.</translation>
    </message>
</context>
<context>
    <name>panel.model_text</name>
    <message>
        <source>packaged</source>
        <translation>mitgeliefert</translation>
    </message>
    <message>
        <source>yours</source>
        <translation>Ihres</translation>
    </message>
    <message>
        <source>downloaded</source>
        <translation>heruntergeladen</translation>
    </message>
    <message>
        <source>missing</source>
        <translation>fehlt</translation>
    </message>
    <message>
        <source>not trained</source>
        <translation>nicht trainiert</translation>
    </message>
    <message>
        <source>Id</source>
        <translation>Kennung</translation>
    </message>
    <message>
        <source>SHA-256</source>
        <translation>SHA-256</translation>
    </message>
    <message>
        <source>Licence</source>
        <translation>Lizenz</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>Adresse</translation>
    </message>
    <message>
        <source>Lineage</source>
        <translation>Herkunft</translation>
    </message>
    <message>
        <source>weights not installed</source>
        <translation>Gewichte nicht installiert</translation>
    </message>
    <message>
        <source>not
measured</source>
        <translation>nicht
gemessen</translation>
    </message>
    <message>
        <source>{value}
n = {patients}</source>
        <translation>{value}
n = {patients}</translation>
    </message>
    <message>
        <source>mean {value}
n = {patients}</source>
        <translation>Mittel {value}
n = {patients}</translation>
    </message>
    <message>
        <source>The Dice of this model was not measured.</source>
        <translation>Der Dice dieses Modells wurde nicht gemessen.</translation>
    </message>
    <message>
        <source>Pooled Dice {value} on {data}: all {slices} slices of {patients} patients, from which no model that ships learned; {protocol}.</source>
        <translation>Dice {value}, zusammengefasst, auf {data}: alle {slices} Schichten von {patients} Patienten, von denen kein mitgeliefertes Modell gelernt hat; {protocol}.</translation>
    </message>
    <message>
        <source>Dice {value}: mean over {patients} patients of {data}, weighted by their {slices} slices, which does not compare with pooled Dice; {protocol}.</source>
        <translation>Dice {value}: Mittel über {patients} Patienten von {data}, gewichtet nach ihren {slices} Schichten, nicht vergleichbar mit zusammengefasstem Dice; {protocol}.</translation>
    </message>
    <message>
        <source>several sources</source>
        <translation>mehrere Quellen</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
    <message>
        <source>{seconds} s</source>
        <translation>{seconds} s</translation>
    </message>
    <message>
        <source>{minutes} min</source>
        <translation>{minutes} min</translation>
    </message>
    <message>
        <source>Not measured on this computer yet: the first run does.</source>
        <translation>Auf diesem Computer noch nicht gemessen: der erste Lauf misst es.</translation>
    </message>
    <message>
        <source>{seconds} s for {slices} slices on {hardware}, measured here on {day}.</source>
        <translation>{seconds} s für {slices} Schichten auf {hardware}, hier gemessen am {day}.</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Members</source>
        <translation>Mitglieder</translation>
    </message>
    <message>
        <source>Paper</source>
        <translation>Arbeit</translation>
    </message>
    <message>
        <source>Finds</source>
        <translation>Findet</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>Training</translation>
    </message>
    <message>
        <source>Dice</source>
        <translation>Dice</translation>
    </message>
    <message>
        <source>Development sets</source>
        <translation>Entwicklungsdaten</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>Scores</source>
        <translation>Werte</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Notiz</translation>
    </message>
    <message>
        <source>Not trained. To run it all the same, check Run untrained networks under Advanced.</source>
        <translation>Nicht trainiert. Um es trotzdem auszuführen, wählen Sie Untrainierte Netze ausführen unter Erweitert.</translation>
    </message>
    <message>
        <source>The training data are not recorded.</source>
        <translation>Die Trainingsdaten sind nicht festgehalten.</translation>
    </message>
    <message>
        <source>{slices} slices of {patients} patients: {names}</source>
        <translation>{slices} Schichten von {patients} Patienten: {names}</translation>
    </message>
    <message>
        <source>not learned from</source>
        <translation>nicht daraus gelernt</translation>
    </message>
    <message>
        <source>learned from: {which}</source>
        <translation>daraus gelernt: {which}</translation>
    </message>
    <message>
        <source>{data}: pooled Dice {pooled}, median patient {median} ({patients} patients, {slices} slices; {learned})</source>
        <translation>{data}: Dice zusammengefasst {pooled}, mittlerer Patient (Median) {median} ({patients} Patienten, {slices} Schichten; {learned})</translation>
    </message>
    <message>
        <source>{metric} {value} on {data}; {protocol}</source>
        <translation>{metric} {value} auf {data}; {protocol}</translation>
    </message>
</context>
<context>
    <name>panel.region_names</name>
    <message>
        <source>right lung</source>
        <translation>rechte Lunge</translation>
    </message>
    <message>
        <source>left lung</source>
        <translation>linke Lunge</translation>
    </message>
    <message>
        <source>both lungs</source>
        <translation>beide Lungen</translation>
    </message>
    <message>
        <source>right upper lobe</source>
        <translation>rechter Oberlappen</translation>
    </message>
    <message>
        <source>right middle lobe</source>
        <translation>rechter Mittellappen</translation>
    </message>
    <message>
        <source>right lower lobe</source>
        <translation>rechter Unterlappen</translation>
    </message>
    <message>
        <source>left upper lobe</source>
        <translation>linker Oberlappen</translation>
    </message>
    <message>
        <source>left lower lobe</source>
        <translation>linker Unterlappen</translation>
    </message>
    <message>
        <source>lesion</source>
        <translation>Läsion</translation>
    </message>
    <message>
        <source>ground-glass opacity</source>
        <translation>Milchglas</translation>
    </message>
    <message>
        <source>consolidation</source>
        <translation>Konsolidierung</translation>
    </message>
</context>
<context>
    <name>panel.sample_data</name>
    <message>
        <source>COVID-19 lesion segmentation</source>
        <translation>COVID-19-Läsionen segmentieren</translation>
    </message>
    <message>
        <source>Chest CT with COVID-19 (generated)</source>
        <translation>Thorax-CT mit COVID-19 (erzeugt)</translation>
    </message>
    <message>
        <source>The sample CT could not be generated.</source>
        <translation>Das Beispiel-CT konnte nicht erzeugt werden.</translation>
    </message>
    <message>
        <source>The sample CT was loaded.</source>
        <translation>Das Beispiel-CT wurde geladen.</translation>
    </message>
</context>
<context>
    <name>panel.segment_boxes</name>
    <message>
        <source>none</source>
        <translation>keines</translation>
    </message>
    <message>
        <source>By code: {segment}</source>
        <translation>Nach Code: {segment}</translation>
    </message>
    <message>
        <source>Segment that is the {name}.</source>
        <translation>Segment für: {name}.</translation>
    </message>
</context>
<context>
    <name>panel.shortcuts</name>
    <message>
        <source>{tooltip} ({keys})</source>
        <translation>{tooltip} ({keys})</translation>
    </message>
</context>
<context>
    <name>panel.widget</name>
    <message>
        <source>Research software: not a medical device. Results must not be used for clinical decisions.</source>
        <translation>Forschungssoftware: kein Medizinprodukt. Ergebnisse dürfen nicht für klinische Entscheidungen verwendet werden.</translation>
    </message>
</context>
<context>
    <name>preparing.dependencies</name>
    <message>
        <source>PyTorch could not be removed, perhaps because another module uses it: restart Slicer and try again.</source>
        <translation>PyTorch konnte nicht entfernt werden, vielleicht weil ein anderes Modul es verwendet: starten Sie Slicer neu und versuchen Sie es noch einmal.</translation>
    </message>
    <message>
        <source>Without internet: on another computer with the same operating system and Python version as Slicer&apos;s, run &apos;pip download {packages} --dest wheels&apos; and copy the folder &apos;wheels&apos; to this computer. Here, in a terminal, run &apos;PythonSlicer -m pip install --no-index --find-links wheels {packages}&apos;. PythonSlicer lies in the folder &apos;bin&apos; of Slicer.</source>
        <translation>Ohne Internet: führen Sie auf einem anderen Computer mit demselben Betriebssystem und derselben Python-Version wie Slicer &apos;pip download {packages} --dest wheels&apos; aus, und kopieren Sie den Ordner &apos;wheels&apos; auf diesen Computer. Führen Sie hier in einem Terminal &apos;PythonSlicer -m pip install --no-index --find-links wheels {packages}&apos; aus. PythonSlicer liegt im Ordner &apos;bin&apos; von Slicer.</translation>
    </message>
    <message>
        <source>{package}: 200 MB, up to 3 GB for an NVIDIA GPU</source>
        <translation>{package}: 200 MB, bis zu 3 GB für eine NVIDIA-GPU</translation>
    </message>
    <message>
        <source>{package}: {size} MB</source>
        <translation>{package}: {size} MB</translation>
    </message>
    <message>
        <source>PyTorch is needed: install the extension PyTorch in Slicer&apos;s Extensions Manager, restart Slicer, and try again.</source>
        <translation>PyTorch wird gebraucht: installieren Sie die Erweiterung PyTorch in Slicers Extensions Manager, starten Sie Slicer neu, und versuchen Sie es noch einmal.</translation>
    </message>
    <message>
        <source>This module needs 3D Slicer 5.12 or newer.</source>
        <translation>Dieses Modul braucht 3D Slicer 5.12 oder neuer.</translation>
    </message>
    <message>
        <source>The Python packages could not be installed: check the internet connection or proxy, and see Slicer&apos;s error log; the section About says how to install them without internet.</source>
        <translation>Die Python-Pakete konnten nicht installiert werden: prüfen Sie Internetverbindung oder Proxy, und sehen Sie in Slicers Fehlerprotokoll nach; der Abschnitt Über sagt, wie sie ohne Internet installiert werden.</translation>
    </message>
</context>
<context>
    <name>preparing.first_question</name>
    <message>
        <source>Lesions are segmented with Python packages that are not installed yet:</source>
        <translation>Läsionen werden mit Python-Paketen segmentiert, die noch nicht installiert sind:</translation>
    </message>
    <message>
        <source>They are downloaded and installed into Slicer&apos;s Python, PyTorch by the extension PyTorch; this takes minutes.</source>
        <translation>Sie werden heruntergeladen und in Slicers Python installiert, PyTorch durch die Erweiterung PyTorch; das dauert Minuten.</translation>
    </message>
    <message>
        <source>Do you accept these terms, and install the packages now?</source>
        <translation>Nehmen Sie diese Bedingungen an, und sollen die Pakete jetzt installiert werden?</translation>
    </message>
    <message>
        <source>{requester} - Before the first result</source>
        <translation>{requester} - Vor dem ersten Ergebnis</translation>
    </message>
    <message>
        <source>Install them now?</source>
        <translation>Jetzt installieren?</translation>
    </message>
    <message>
        <source>{requester} - Install Python packages</source>
        <translation>{requester} - Python-Pakete installieren</translation>
    </message>
    <message>
        <source>Do you accept these terms? You are asked once.</source>
        <translation>Nehmen Sie diese Bedingungen an? Sie werden einmal gefragt.</translation>
    </message>
    <message>
        <source>Licence of the model</source>
        <translation>Lizenz des Modells</translation>
    </message>
    <message>
        <source>The Python packages were not installed: try again to be asked again.</source>
        <translation>Die Python-Pakete wurden nicht installiert: versuchen Sie es noch einmal, um wieder gefragt zu werden.</translation>
    </message>
    <message>
        <source>The licence {licence} was not accepted and no package was installed, so nothing was run: try again to be asked again.</source>
        <translation>Die Lizenz {licence} wurde nicht angenommen und kein Paket installiert, daher wurde nichts ausgeführt: versuchen Sie es noch einmal, um wieder gefragt zu werden.</translation>
    </message>
    <message>
        <source>The licence {licence} was not accepted, so nothing was run: try again to be asked again, or choose a model with another licence.</source>
        <translation>Die Lizenz {licence} wurde nicht angenommen, daher wurde nichts ausgeführt: versuchen Sie es noch einmal, um wieder gefragt zu werden, oder wählen Sie ein Modell mit einer anderen Lizenz.</translation>
    </message>
</context>
<context>
    <name>preparing.first_use</name>
    <message>
        <source>The weights of {model} are not on this computer: import the model in the section Models, or choose another one.</source>
        <translation>Die Gewichte von {model} sind nicht auf diesem Computer: lesen Sie das Modell im Abschnitt Modelle ein, oder wählen Sie ein anderes.</translation>
    </message>
    <message>
        <source>The weights of {model} were not downloaded: try again to be asked again, or choose another model.</source>
        <translation>Die Gewichte von {model} wurden nicht heruntergeladen: versuchen Sie es noch einmal, um wieder gefragt zu werden, oder wählen Sie ein anderes Modell.</translation>
    </message>
    <message>
        <source>Downloading the weights of {model}</source>
        <translation>Die Gewichte von {model} werden heruntergeladen</translation>
    </message>
    <message>
        <source>Checking PyTorch, which is done once</source>
        <translation>PyTorch wird einmalig geprüft</translation>
    </message>
    <message>
        <source>PyTorch {version} is installed, but does not work: {reason}</source>
        <translation>PyTorch {version} ist installiert, arbeitet aber nicht: {reason}</translation>
    </message>
    <message>
        <source>of another Python</source>
        <translation>eines anderen Python</translation>
    </message>
    <message>
        <source>{sentence}

Repair it now, by installing it again?</source>
        <translation>{sentence}

Jetzt durch neues Installieren reparieren?</translation>
    </message>
    <message>
        <source>Repair PyTorch</source>
        <translation>PyTorch reparieren</translation>
    </message>
    <message>
        <source>{sentence} Try again to be offered a repair.</source>
        <translation>{sentence} Versuchen Sie es noch einmal, damit eine Reparatur angeboten wird.</translation>
    </message>
</context>
<context>
    <name>preparing.licences</name>
    <message>
        <source>The weights of {models} are under the licence {licence}.

{note}</source>
        <translation>Die Gewichte von {models} stehen unter der Lizenz {licence}.

{note}</translation>
    </message>
</context>
<context>
    <name>preparing.weights_download</name>
    <message>
        <source>Download the weights of {title}?

Size: {size}
From: {host}
Licence: {licence}

{note}

Only the request itself is sent to that computer. The file is used only if it has the checksum on the model&apos;s card.</source>
        <translation>Die Gewichte von {title} herunterladen?

Größe: {size}
Von: {host}
Lizenz: {licence}

{note}

Nur die Anfrage selbst wird an diesen Computer gesendet. Die Datei wird nur verwendet, wenn sie die Prüfsumme auf der Karte des Modells hat.</translation>
    </message>
    <message>
        <source>Download weights</source>
        <translation>Gewichte herunterladen</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
    <message>
        <source>{size} MB</source>
        <translation>{size} MB</translation>
    </message>
</context>
<context>
    <name>qSlicerAbstractCoreModule</name>
    <message>
        <source>Segmentation</source>
        <translation>Segmentierung</translation>
    </message>
</context>
<context>
    <name>results.clean_copy</name>
    <message>
        <source>The copy without patient data was saved.</source>
        <translation>Die Kopie ohne Patientendaten wurde gespeichert.</translation>
    </message>
    <message>
        <source>Save a copy without patient data</source>
        <translation>Kopie ohne Patientendaten speichern</translation>
    </message>
    <message>
        <source>Slicer scene (*{suffix})</source>
        <translation>Slicer-Szene (*{suffix})</translation>
    </message>
</context>
<context>
    <name>results.flag_list</name>
    <message>
        <source>Go to slice</source>
        <translation>Zur Schicht</translation>
    </message>
    <message>
        <source>Go to slice {index}</source>
        <translation>Zur Schicht {index}</translation>
    </message>
    <message>
        <source>Show slice {index} in the slice views. The flag names {count} slices: each press goes to the next.</source>
        <translation>Schicht {index} in den Schichtansichten zeigen. Der Hinweis nennt {count} Schichten: jeder Klick geht zur nächsten.</translation>
    </message>
    <message>
        <source>Show slice {index} in the slice views.</source>
        <translation>Schicht {index} in den Schichtansichten zeigen.</translation>
    </message>
</context>
<context>
    <name>results.lesion_detector</name>
    <message>
        <source>Lesions of the segmentation</source>
        <translation>Läsionen der Segmentierung</translation>
    </message>
    <message>
        <source>Found by {model}</source>
        <translation>Von {model}</translation>
    </message>
    <message>
        <source>Cancelled: nothing was changed.</source>
        <translation>Abgebrochen: nichts wurde geändert.</translation>
    </message>
    <message>
        <source>Choose a CT that has a result, and a detector.</source>
        <translation>Wählen Sie ein CT mit einem Ergebnis und einen Detektor.</translation>
    </message>
    <message>
        <source>The segmentation is being measured after an edit: try again in a moment.</source>
        <translation>Die Segmentierung wird nach einer Änderung gemessen: versuchen Sie es gleich noch einmal.</translation>
    </message>
    <message>
        <source>The result changed while the detector looked: find the lesions again.</source>
        <translation>Das Ergebnis hat sich geändert, während der Detektor suchte: suchen Sie die Läsionen noch einmal.</translation>
    </message>
    <message>
        <source>{lesions} lesions, in {number} of {slices} slices with lung.</source>
        <translation>{lesions} Läsionen, in {number} von {slices} Schichten mit Lunge.</translation>
    </message>
    <message>
        <source>The {number} largest are listed.</source>
        <translation>Die {number} größten sind aufgelistet.</translation>
    </message>
</context>
<context>
    <name>results.lesion_list</name>
    <message>
        <source>Put a numbered point on every lesion of the table.</source>
        <translation>Einen nummerierten Punkt auf jede Läsion der Tabelle setzen.</translation>
    </message>
    <message>
        <source>No.</source>
        <translation>Nr.</translation>
    </message>
    <message>
        <source>Lung</source>
        <translation>Lunge</translation>
    </message>
    <message>
        <source>Slices</source>
        <translation>Schichten</translation>
    </message>
    <message>
        <source>ml</source>
        <translation>ml</translation>
    </message>
    <message>
        <source>Confidence</source>
        <translation>Sicherheit</translation>
    </message>
    <message>
        <source>No lesion is listed.</source>
        <translation>Es wird keine Läsion gezeigt.</translation>
    </message>
    <message>
        <source>Score</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>{first} to {last}</source>
        <translation>{first} bis {last}</translation>
    </message>
    <message>
        <source>The lesion could not be shown.</source>
        <translation>Die Läsion konnte nicht gezeigt werden.</translation>
    </message>
    <message>
        <source>The lesions could not be shown one by one.</source>
        <translation>Die Läsionen konnten nicht einzeln gezeigt werden.</translation>
    </message>
    <message>
        <source>The lesions could not be marked.</source>
        <translation>Die Läsionen konnten nicht markiert werden.</translation>
    </message>
</context>
<context>
    <name>results.lobe_table</name>
    <message>
        <source>Choose a segmentation of the lobes: its segments are known by their codes.</source>
        <translation>Wählen Sie eine Segmentierung der Lappen: ihre Segmente werden an ihren Codes erkannt.</translation>
    </message>
    <message>
        <source>Measuring the lobes.</source>
        <translation>Die Lappen werden gemessen.</translation>
    </message>
    <message>
        <source>Lobe</source>
        <translation>Lappen</translation>
    </message>
    <message>
        <source>Volume (ml)</source>
        <translation>Volumen (ml)</translation>
    </message>
    <message>
        <source>Lesions (ml)</source>
        <translation>Läsionen (ml)</translation>
    </message>
    <message>
        <source>Infected</source>
        <translation>Befallen</translation>
    </message>
    <message>
        <source>Score</source>
        <translation>Punkte</translation>
    </message>
    <message>
        <source>No segment is coded as a lobe: choose below which segment is which lobe.</source>
        <translation>Kein Segment ist als Lappen codiert: wählen Sie unten, welches Segment welcher Lappen ist.</translation>
    </message>
</context>
<context>
    <name>results.lost_result</name>
    <message>
        <source>The segmentation of this result was deleted: run again to get one.</source>
        <translation>Die Segmentierung dieses Ergebnisses wurde gelöscht: Starten Sie einen neuen Lauf.</translation>
    </message>
    <message>
        <source>The lesion probability of this result was deleted, so no figures are shown: run again.</source>
        <translation>Die Läsionswahrscheinlichkeit dieses Ergebnisses wurde gelöscht, daher sind keine Zahlen zu sehen: Starten Sie einen neuen Lauf.</translation>
    </message>
</context>
<context>
    <name>results.severity_tables</name>
    <message>
        <source>Lung (ml)</source>
        <translation>Lunge (ml)</translation>
    </message>
    <message>
        <source>{name} (ml)</source>
        <translation>{name} (ml)</translation>
    </message>
    <message>
        <source>Lesions (ml)</source>
        <translation>Läsionen (ml)</translation>
    </message>
    <message>
        <source>Infected</source>
        <translation>Befallen</translation>
    </message>
    <message>
        <source>Confidence</source>
        <translation>Sicherheit</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
    <message>
        <source>{now}
was {was}</source>
        <translation>{now}
vorher {was}</translation>
    </message>
</context>
<context>
    <name>retraining.model_decision</name>
    <message>
        <source>The model was made the default.</source>
        <translation>Das Modell wurde zum Standard gemacht.</translation>
    </message>
    <message>
        <source>Add the model to yours, and make it the default.</source>
        <translation>Das Modell zu Ihren hinzufügen und zum Standard machen.</translation>
    </message>
    <message>
        <source>Add the model to yours, without making it the default.</source>
        <translation>Das Modell zu Ihren hinzufügen, ohne es zum Standard zu machen.</translation>
    </message>
    <message>
        <source>The model is among yours already.</source>
        <translation>Das Modell gehört schon zu Ihren.</translation>
    </message>
    <message>
        <source>Undo the last time that {model} was made the default.</source>
        <translation>Zurücknehmen, dass {model} zuletzt zum Standard gemacht wurde.</translation>
    </message>
    <message>
        <source>Neither the retrained model nor the one to begin with was made the default.</source>
        <translation>Weder das nachtrainierte Modell noch das Ausgangsmodell wurde zum Standard gemacht.</translation>
    </message>
    <message>
        <source>Adding the model</source>
        <translation>Das Modell wird hinzugefügt</translation>
    </message>
    <message>
        <source>{model} is the default model now.</source>
        <translation>{model} ist jetzt das Standardmodell.</translation>
    </message>
    <message>
        <source>{model} is among your models now: choose it under Model.</source>
        <translation>{model} gehört jetzt zu Ihren Modellen: wählen Sie es unter Modell.</translation>
    </message>
    <message>
        <source>Discard the training of {model}? It cannot be brought back.</source>
        <translation>Das Training von {model} verwerfen? Es kann nicht zurückgeholt werden.</translation>
    </message>
    <message>
        <source>Discard the model {model}? It cannot be brought back.</source>
        <translation>Das Modell {model} verwerfen? Es kann nicht zurückgeholt werden.</translation>
    </message>
    <message>
        <source>Discard</source>
        <translation>Verwerfen</translation>
    </message>
    <message>
        <source>Discarded.</source>
        <translation>Verworfen.</translation>
    </message>
    <message>
        <source>The last promotion of {model} was undone; {default} stays the default model.</source>
        <translation>Dass {model} zuletzt zum Standard wurde, ist zurückgenommen; {default} bleibt das Standardmodell.</translation>
    </message>
    <message>
        <source>{default} is the default model again.</source>
        <translation>{default} ist wieder das Standardmodell.</translation>
    </message>
</context>
<context>
    <name>retraining.retrain_result</name>
    <message>
        <source>Together</source>
        <translation>Zusammen</translation>
    </message>
    <message>
        <source>Patient</source>
        <translation>Patient</translation>
    </message>
    <message>
        <source>Dice</source>
        <translation>Dice</translation>
    </message>
    <message>
        <source>Sensitivity</source>
        <translation>Sensitivität</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>Genauigkeit</translation>
    </message>
    <message>
        <source>{count} slices, held out</source>
        <translation>{count} Schichten, zurückgehalten</translation>
    </message>
    <message>
        <source>{number} of {count}: patient {patient}, slice {slice}, {pixels} pixels differ</source>
        <translation>{number} von {count}: Patient {patient}, Schicht {slice}, {pixels} Pixel verschieden</translation>
    </message>
    <message>
        <source>{model}: trained on {accepted} accepted and {corrected} corrected cases and {predictions} confident predictions; {steps} steps, seed {seed}</source>
        <translation>{model}: trainiert mit {accepted} angenommenen und {corrected} korrigierten Fällen und {predictions} sicheren Vorhersagen; {steps} Schritte, Startwert {seed}</translation>
    </message>
    <message>
        <source>nothing is recorded</source>
        <translation>nichts ist festgehalten</translation>
    </message>
    <message>
        <source>{old} before, {new} after</source>
        <translation>{old} vorher, {new} nachher</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
</context>
<context>
    <name>retraining.reviewed_cases</name>
    <message>
        <source>Reviewed: {accepted} accepted, {corrected} corrected, {rejected} rejected.</source>
        <translation>Begutachtet: {accepted} angenommen, {corrected} korrigiert, {rejected} abgelehnt.</translation>
    </message>
    <message>
        <source>{count} damaged cases are left out.</source>
        <translation>{count} beschädigte Fälle bleiben außen vor.</translation>
    </message>
    <message>
        <source>Without a DICOM PatientID: {count}. Each of these counts as a patient: review one CT only of such a patient, or the comparison of both models is too kind.</source>
        <translation>Ohne DICOM PatientID: {count}. Jeder davon zählt als eigener Patient: begutachten Sie nur ein CT eines solchen Patienten, sonst ist der Vergleich beider Modelle zu günstig.</translation>
    </message>
    <message>
        <source>{count} corrected cases are held out to compare both models.</source>
        <translation>{count} korrigierte Fälle werden zurückgehalten, um beide Modelle zu vergleichen.</translation>
    </message>
</context>
<context>
    <name>review.cases</name>
    <message>
        <source>Case</source>
        <translation>Fall</translation>
    </message>
    <message>
        <source>Verdict</source>
        <translation>Urteil</translation>
    </message>
    <message>
        <source>Doubt</source>
        <translation>Zweifel</translation>
    </message>
    <message>
        <source>Flags</source>
        <translation>Hinweise</translation>
    </message>
    <message>
        <source>Opening</source>
        <translation>Wird geöffnet</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Choose a case of the list first.</source>
        <translation>Wählen Sie zuerst einen Fall der Liste.</translation>
    </message>
    <message>
        <source>The CT of a case is being read.</source>
        <translation>Das CT eines Falls wird gelesen.</translation>
    </message>
    <message>
        <source>Show the CT of this case.</source>
        <translation>Das CT dieses Falls zeigen.</translation>
    </message>
    <message>
        <source>Delete this case, with its CT, from the folder of reviewed cases.</source>
        <translation>Diesen Fall mit seinem CT aus dem Ordner der begutachteten Fälle löschen.</translation>
    </message>
    <message>
        <source>This case is in the scene: close the scene to remove it from the folder.</source>
        <translation>Dieser Fall ist in der Szene: schließen Sie die Szene, um ihn aus dem Ordner zu entfernen.</translation>
    </message>
    <message>
        <source>Delete this case from the folder of reviewed cases, with its CT, corrections and verdict? This cannot be undone.</source>
        <translation>Diesen Fall mit CT, Korrekturen und Urteil aus dem Ordner der begutachteten Fälle löschen? Das kann nicht rückgängig gemacht werden.</translation>
    </message>
    <message>
        <source>Delete a reviewed case?</source>
        <translation>Begutachteten Fall löschen?</translation>
    </message>
    <message>
        <source>The case could not be deleted.</source>
        <translation>Der Fall konnte nicht gelöscht werden.</translation>
    </message>
    <message>
        <source>Reviewed {when}</source>
        <translation>Begutachtet {when}</translation>
    </message>
    <message>
        <source>none yet</source>
        <translation>noch keines</translation>
    </message>
    <message>
        <source>accepted</source>
        <translation>angenommen</translation>
    </message>
    <message>
        <source>corrected</source>
        <translation>korrigiert</translation>
    </message>
    <message>
        <source>rejected</source>
        <translation>abgelehnt</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
    <message>
        <source>{volume:.1f} ml</source>
        <translation>{volume:.1f} ml</translation>
    </message>
</context>
<context>
    <name>review.keep_question</name>
    <message>
        <source>Save the CT, the result, your edits, verdict and note in {folder} while you review: nothing is lost, and models can learn from them. No name or identifier of the patient is saved; the voxels of the CT are.</source>
        <translation>CT, Ergebnis, Ihre Änderungen, Urteil und Notiz in {folder} speichern, während Sie begutachten: nichts geht verloren, und Modelle können daraus lernen. Kein Name und keine Kennung des Patienten wird gespeichert; die Voxel des CTs schon.</translation>
    </message>
    <message>
        <source>Keep reviewed cases?</source>
        <translation>Begutachtete Fälle aufbewahren?</translation>
    </message>
    <message>
        <source>Keep reviewed cases for retraining? The CT, the result, your edits, verdict and note are then saved in {folder} while you review: nothing is lost if Slicer ends unexpectedly. No name or identifier of the patient is saved; the voxels of the CT are. Otherwise they stay in the scene, until you save it.</source>
        <translation>Begutachtete Fälle zum Nachtraining aufbewahren? CT, Ergebnis, Ihre Änderungen, Urteil und Notiz werden dann in {folder} gespeichert, während Sie begutachten: nichts geht verloren, wenn Slicer unerwartet endet. Kein Name und keine Kennung des Patienten wird gespeichert; die Voxel des CTs schon. Sonst bleiben sie in der Szene, bis Sie diese speichern.</translation>
    </message>
</context>
<context>
    <name>review.saving</name>
    <message>
        <source>Not saved yet: answer the question first.</source>
        <translation>Noch nicht gespeichert: beantworten Sie zuerst die Frage.</translation>
    </message>
    <message>
        <source>Not kept for retraining: verdict, note and edits are in the scene only. Edits since the scene was saved are lost if Slicer ends unexpectedly.</source>
        <translation>Nicht zum Nachtraining aufbewahrt: Urteil, Notiz und Änderungen sind nur in der Szene. Änderungen seit dem Speichern der Szene gehen verloren, wenn Slicer unerwartet endet.</translation>
    </message>
    <message>
        <source>Kept in {folder} once you edit, give a verdict or write a note.</source>
        <translation>Wird in {folder} aufbewahrt, sobald Sie etwas ändern, ein Urteil geben oder eine Notiz schreiben.</translation>
    </message>
    <message>
        <source>Saving to {folder}.</source>
        <translation>Wird in {folder} gespeichert.</translation>
    </message>
    <message>
        <source>Saved at {time} in {folder}, with the CT.</source>
        <translation>Um {time} in {folder} gespeichert, mit dem CT.</translation>
    </message>
    <message>
        <source>its CT was removed from the scene before it was saved.</source>
        <translation>sein CT wurde aus der Szene entfernt, bevor es gespeichert war.</translation>
    </message>
    <message>
        <source>try again.</source>
        <translation>versuchen Sie es noch einmal.</translation>
    </message>
</context>
<context>
    <name>review.session</name>
    <message>
        <source>The last changes of a review were not saved: {reason}</source>
        <translation>Die letzten Änderungen einer Begutachtung wurden nicht gespeichert: {reason}</translation>
    </message>
</context>
<context>
    <name>review.slice_list</name>
    <message>
        <source>Slice</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>Why to look at it</source>
        <translation>Warum sie anzusehen ist</translation>
    </message>
    <message>
        <source>Seen</source>
        <translation>Gesehen</translation>
    </message>
    <message>
        <source>Slices that a quality flag names, the one with the largest lesion, and others with at least {share:.0%} of the greatest doubt: at most {most}, the most doubtful first. Confidence, 0 to 1, is the share of the slice&apos;s lesion that experts would be expected to mark, too. Choose a row to see the slice.</source>
        <translation>Schichten, die ein Qualitätshinweis nennt, die mit der größten Läsion, und andere mit mindestens {share:.0%} des größten Zweifels: höchstens {most}, die zweifelhafteste zuerst. Sicherheit, 0 bis 1, ist der Anteil der Läsion einer Schicht, von dem zu erwarten ist, dass ihn auch Fachleute einzeichnen. Wählen Sie eine Zeile, um die Schicht zu sehen.</translation>
    </message>
    <message>
        <source>{index} (S {position:+.0f} mm)</source>
        <translation>{index} (S {position:+.0f} mm)</translation>
    </message>
    <message>
        <source>quality flag</source>
        <translation>Qualitätshinweis</translation>
    </message>
    <message>
        <source>uncertain {area:.1f} cm²</source>
        <translation>unsicher {area:.1f} cm²</translation>
    </message>
    <message>
        <source>members disagree {area:.1f} cm²</source>
        <translation>Mitglieder uneinig {area:.1f} cm²</translation>
    </message>
    <message>
        <source>largest lesion</source>
        <translation>größte Läsion</translation>
    </message>
    <message>
        <source>lesion {area:.1f} cm²</source>
        <translation>Läsion {area:.1f} cm²</translation>
    </message>
    <message>
        <source>confidence {value}</source>
        <translation>Sicherheit {value}</translation>
    </message>
</context>
<context>
    <name>review.slices</name>
    <message>
        <source>Next slice to review</source>
        <translation>Nächste zu begutachtende Schicht</translation>
    </message>
    <message>
        <source>Previous slice to review</source>
        <translation>Vorige zu begutachtende Schicht</translation>
    </message>
    <message>
        <source>Looking for the slices to review first.</source>
        <translation>Zuerst werden die zu begutachtenden Schichten gesucht.</translation>
    </message>
    <message>
        <source>{left} of {count} slices to look at, the most doubtful first.</source>
        <translation>{left} von {count} Schichten anzusehen, die zweifelhafteste zuerst.</translation>
    </message>
    <message>
        <source>Every slice of the list was seen.</source>
        <translation>Jede Schicht der Liste wurde gesehen.</translation>
    </message>
    <message>
        <source>Not listed, as less doubtful or close to one of these: {count}.</source>
        <translation>Nicht aufgeführt, da weniger zweifelhaft oder nahe an einer davon: {count}.</translation>
    </message>
    <message>
        <source>No slice is in doubt, and no quality flag names one.</source>
        <translation>Keine Schicht ist zweifelhaft, und kein Qualitätshinweis nennt eine.</translation>
    </message>
    <message>
        <source>The slice could not be shown.</source>
        <translation>Die Schicht konnte nicht gezeigt werden.</translation>
    </message>
</context>
<context>
    <name>running.job_button</name>
    <message>
        <source>The work could not be started.</source>
        <translation>Die Arbeit konnte nicht begonnen werden.</translation>
    </message>
    <message>
        <source>Cancel ({percent} %)</source>
        <translation>Abbrechen ({percent} %)</translation>
    </message>
    <message>
        <source>Stop; nothing is changed.</source>
        <translation>Abbrechen; nichts wird geändert.</translation>
    </message>
    <message>
        <source>It is being stopped.</source>
        <translation>Es wird abgebrochen.</translation>
    </message>
</context>
<context>
    <name>running.log_window</name>
    <message>
        <source>Log of the background process</source>
        <translation>Protokoll des Hintergrundprozesses</translation>
    </message>
    <message>
        <source>The log is not there any more.</source>
        <translation>Das Protokoll ist nicht mehr da.</translation>
    </message>
</context>
<context>
    <name>running.lost_corrections</name>
    <message>
        <source>You corrected {segments} since the last run of this CT. Corrected segments that a run replaces are kept as copies.</source>
        <translation>Sie haben {segments} seit dem letzten Lauf dieses CTs korrigiert. Korrigierte Segmente, die ein Lauf ersetzt, bleiben als Kopien erhalten.</translation>
    </message>
    <message>
        <source>Replace all</source>
        <translation>Alles ersetzen</translation>
    </message>
    <message>
        <source>Keep my lungs, find lesions in them</source>
        <translation>Meine Lungen behalten, Läsionen darin suchen</translation>
    </message>
    <message>
        <source>Run again</source>
        <translation>Noch einmal ausführen</translation>
    </message>
    <message>
        <source>You corrected {segments} since the last run: to undo the run takes these corrections away, too.</source>
        <translation>Sie haben {segments} seit dem letzten Lauf korrigiert: den Lauf rückgängig zu machen nimmt auch diese Korrekturen weg.</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Undo all the same</source>
        <translation>Trotzdem rückgängig machen</translation>
    </message>
</context>
<context>
    <name>running.run</name>
    <message>
        <source>The segmentation of the Python console is done.</source>
        <translation>Die Segmentierung der Python-Konsole ist fertig.</translation>
    </message>
    <message>
        <source>The segmentation of the Python console was cancelled: nothing was changed.</source>
        <translation>Die Segmentierung der Python-Konsole wurde abgebrochen: nichts wurde geändert.</translation>
    </message>
    <message>
        <source>The segmentation of the Python console failed: {reason}</source>
        <translation>Die Segmentierung der Python-Konsole ist gescheitert: {reason}</translation>
    </message>
</context>
<context>
    <name>running.run_clock</name>
    <message>
        <source>Starting</source>
        <translation>Beginnt</translation>
    </message>
    <message>
        <source>{shown}. The background process has not computed for {seconds} s and may be stuck: cancel, and start again.</source>
        <translation>{shown}. Der Hintergrundprozess rechnet seit {seconds} s nicht und hängt vielleicht: brechen Sie ab, und beginnen Sie neu.</translation>
    </message>
</context>
<context>
    <name>running.undo_button</name>
    <message>
        <source>The last run was undone.</source>
        <translation>Der letzte Lauf wurde rückgängig gemacht.</translation>
    </message>
    <message>
        <source>What you painted stays: {segments}.</source>
        <translation>Was Sie gezeichnet haben, bleibt: {segments}.</translation>
    </message>
</context>
<context>
    <name>sections.about</name>
    <message>
        <source>Your models and downloads</source>
        <translation>Ihre Modelle und Heruntergeladenes</translation>
    </message>
    <message>
        <source>Reviewed cases</source>
        <translation>Begutachtete Fälle</translation>
    </message>
    <message>
        <source>Logs</source>
        <translation>Protokolle</translation>
    </message>
</context>
<context>
    <name>sections.cohort</name>
    <message>
        <source>CT</source>
        <translation>CT</translation>
    </message>
    <message>
        <source>Severity</source>
        <translation>Schweregrad</translation>
    </message>
    <message>
        <source>Infected</source>
        <translation>Befallen</translation>
    </message>
    <message>
        <source>Warnings</source>
        <translation>Warnungen</translation>
    </message>
    <message>
        <source>Verdict</source>
        <translation>Urteil</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
</context>
<context>
    <name>sections.correction</name>
    <message>
        <source>Islands are not split into segments: these would not count as lesions any more.</source>
        <translation>Inseln werden nicht in Segmente aufgeteilt: diese zählten nicht mehr als Läsionen.</translation>
    </message>
    <message>
        <source>Only the chosen segment is edited, so that lungs and other lesions stay whole: choose another segment to edit it.</source>
        <translation>Nur das gewählte Segment wird bearbeitet, so dass Lungen und andere Läsionen heil bleiben: wählen Sie ein anderes Segment, um es zu bearbeiten.</translation>
    </message>
    <message>
        <source>Choose a lesion in the list of segments: lungs are painted at any density.</source>
        <translation>Wählen Sie eine Läsion in der Liste der Segmente: Lungen werden mit jeder Dichte gemalt.</translation>
    </message>
    <message>
        <source>Choose GGO or Consolidation.</source>
        <translation>Wählen Sie Milchglas oder Konsolidierung.</translation>
    </message>
    <message>
        <source>A lung is edited anywhere. Lesions stay as they are.</source>
        <translation>Eine Lunge wird überall bearbeitet. Läsionen bleiben, wie sie sind.</translation>
    </message>
    <message>
        <source>This segment is edited anywhere. It counts neither as lung nor as lesion.</source>
        <translation>Dieses Segment wird überall bearbeitet. Es zählt weder als Lunge noch als Läsion.</translation>
    </message>
    <message>
        <source>Lesions are edited inside the lungs only. The lungs stay whole.</source>
        <translation>Läsionen werden nur innerhalb der Lungen bearbeitet. Die Lungen bleiben heil.</translation>
    </message>
    <message>
        <source>What changed is measured once lesions were found in these lungs.</source>
        <translation>Was sich geändert hat, wird gemessen, sobald in diesen Lungen Läsionen gefunden wurden.</translation>
    </message>
    <message>
        <source>This scene was saved without the run&apos;s segmentation: nothing to compare with.</source>
        <translation>Diese Szene wurde ohne die Segmentierung des Laufs gespeichert: es gibt nichts zu vergleichen.</translation>
    </message>
    <message>
        <source>Measuring what changed since the run.</source>
        <translation>Gemessen wird, was sich seit dem Lauf geändert hat.</translation>
    </message>
    <message>
        <source>Nothing was changed since the run.</source>
        <translation>Seit dem Lauf wurde nichts geändert.</translation>
    </message>
    <message>
        <source>Changed since the run, in ml:</source>
        <translation>Seit dem Lauf geändert, in ml:</translation>
    </message>
    <message>
        <source>Added</source>
        <translation>Hinzugefügt</translation>
    </message>
    <message>
        <source>Removed</source>
        <translation>Entfernt</translation>
    </message>
    <message>
        <source>Dice</source>
        <translation>Dice</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
    <message>
        <source>The corrections could not be discarded.</source>
        <translation>Die Korrekturen konnten nicht verworfen werden.</translation>
    </message>
</context>
<context>
    <name>sections.display</name>
    <message>
        <source>Overlay on or off</source>
        <translation>Überlagerung ein oder aus</translation>
    </message>
    <message>
        <source>Switch the overlay on first.</source>
        <translation>Schalten Sie zuerst die Überlagerung ein.</translation>
    </message>
    <message>
        <source>Show a map over the CT in the slice views.</source>
        <translation>Eine Karte über dem CT in den Schichtansichten zeigen.</translation>
    </message>
    <message>
        <source>The map over the CT: lesion probability, or disagreement of an ensemble.</source>
        <translation>Die Karte über dem CT: Wahrscheinlichkeit von Läsionen, oder Uneinigkeit eines Ensembles.</translation>
    </message>
    <message>
        <source>A single model has no disagreement: the lesion probability is shown.</source>
        <translation>Bei einem einzelnen Modell gibt es keine Uneinigkeit: die Wahrscheinlichkeit von Läsionen wird gezeigt.</translation>
    </message>
    <message>
        <source>Opacity of the map over the CT.</source>
        <translation>Deckkraft der Karte über dem CT.</translation>
    </message>
    <message>
        <source>Values below this are transparent. Changes the display only, never a figure.</source>
        <translation>Werte darunter sind durchsichtig. Ändert nur die Anzeige, nie eine Zahl.</translation>
    </message>
    <message>
        <source>Colours of the lesion probability.</source>
        <translation>Farben der Wahrscheinlichkeit von Läsionen.</translation>
    </message>
    <message>
        <source>The disagreement has one colour map, so that it is never taken for probability.</source>
        <translation>Die Uneinigkeit hat eine einzige Farbkarte, damit sie nie für Wahrscheinlichkeit gehalten wird.</translation>
    </message>
    <message>
        <source>Opacity of the lungs&apos; surfaces in the 3D views.</source>
        <translation>Deckkraft der Oberflächen der Lungen in den 3D-Ansichten.</translation>
    </message>
    <message>
        <source>Show surfaces in 3D first: nothing else is drawn of the lungs there.</source>
        <translation>Zeigen Sie zuerst Oberflächen in 3D: sonst wird dort nichts von den Lungen gezeichnet.</translation>
    </message>
</context>
<context>
    <name>sections.followup</name>
    <message>
        <source>Choose an earlier CT of the same patient that has a result.</source>
        <translation>Wählen Sie ein früheres CT desselben Patienten, das ein Ergebnis hat.</translation>
    </message>
    <message>
        <source>A result changed while the CTs were compared: compare them again.</source>
        <translation>Ein Ergebnis hat sich geändert, während die CTs verglichen wurden: vergleichen Sie sie noch einmal.</translation>
    </message>
    <message>
        <source>Region</source>
        <translation>Region</translation>
    </message>
    <message>
        <source>Lesions, ml</source>
        <translation>Läsionen, ml</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>Veränderung</translation>
    </message>
    <message>
        <source>Infected</source>
        <translation>Befallen</translation>
    </message>
    <message>
        <source>{earlier} to {later}</source>
        <translation>{earlier} auf {later}</translation>
    </message>
    <message>
        <source>new</source>
        <translation>neu</translation>
    </message>
    <message>
        <source>resolved</source>
        <translation>rückgebildet</translation>
    </message>
    <message>
        <source>persistent</source>
        <translation>persistierend</translation>
    </message>
    <message>
        <source>not covered</source>
        <translation>nicht abgebildet</translation>
    </message>
    <message>
        <source>Lesion</source>
        <translation>Läsion</translation>
    </message>
    <message>
        <source>Lung</source>
        <translation>Lunge</translation>
    </message>
    <message>
        <source>Volume, ml</source>
        <translation>Volumen, ml</translation>
    </message>
    <message>
        <source>Lesions could not be matched: see below why. Volumes are compared.</source>
        <translation>Läsionen konnten nicht zugeordnet werden: warum, steht unten. Die Volumina sind verglichen.</translation>
    </message>
    <message>
        <source>{new} new, {resolved} resolved, {persistent} persistent lesions.</source>
        <translation>{new} neue, {resolved} verschwundene, {persistent} gebliebene Läsionen.</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
</context>
<context>
    <name>sections.model</name>
    <message>
        <source>Expected time for a CT of {slices} slices on the chosen device.</source>
        <translation>Erwartete Zeit für ein CT mit {slices} Schichten auf dem gewählten Gerät.</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Model: {title}</source>
        <translation>Modell: {title}</translation>
    </message>
    <message>
        <source>Model: {title} and {others} more</source>
        <translation>Modell: {title} und {others} weitere</translation>
    </message>
    <message>
        <source>{title} (not trained)</source>
        <translation>{title} (nicht trainiert)</translation>
    </message>
</context>
<context>
    <name>sections.models</name>
    <message>
        <source>{title} (default)</source>
        <translation>{title} (Standard)</translation>
    </message>
    <message>
        <source>The weights of this model are not on this computer.</source>
        <translation>Die Gewichte dieses Modells sind nicht auf diesem Computer.</translation>
    </message>
    <message>
        <source>Wait for the present job to end, or cancel it.</source>
        <translation>Warten Sie, bis die laufende Arbeit endet, oder brechen Sie sie ab.</translation>
    </message>
    <message>
        <source>Verify this model and use it from now on where no other is chosen.</source>
        <translation>Dieses Modell prüfen und von nun an verwenden, wo kein anderes gewählt ist.</translation>
    </message>
    <message>
        <source>Undo the last time that this model was made the default.</source>
        <translation>Zurücknehmen, dass dieses Modell zuletzt zum Standard gemacht wurde.</translation>
    </message>
    <message>
        <source>Add a model from an exported archive, or from a card with its weights.</source>
        <translation>Ein Modell aus einem Archiv hinzufügen, oder aus einer Karte mit ihren Gewichten.</translation>
    </message>
    <message>
        <source>Write this model into one file for others.</source>
        <translation>Dieses Modell für andere in eine Datei schreiben.</translation>
    </message>
    <message>
        <source>Download the weights of this model, after asking.</source>
        <translation>Die Gewichte dieses Modells herunterladen, nach einer Frage.</translation>
    </message>
    <message>
        <source>Compare the weights file with the checksum on the model&apos;s card.</source>
        <translation>Die Datei der Gewichte mit der Prüfsumme auf der Karte des Modells vergleichen.</translation>
    </message>
    <message>
        <source>Remove this model of yours, card and weights, after asking.</source>
        <translation>Dieses eigene Modell entfernen, Karte und Gewichte, nach einer Frage.</translation>
    </message>
    <message>
        <source>Show the folder of your own models.</source>
        <translation>Den Ordner Ihrer eigenen Modelle zeigen.</translation>
    </message>
    <message>
        <source>Remove downloaded weights: {size}.</source>
        <translation>Heruntergeladene Gewichte entfernen: {size}.</translation>
    </message>
    <message>
        <source>Nothing was downloaded.</source>
        <translation>Nichts wurde heruntergeladen.</translation>
    </message>
    <message>
        <source>The models could not be worked on.</source>
        <translation>Mit den Modellen konnte nicht gearbeitet werden.</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>Beginnt</translation>
    </message>
    <message>
        <source>Cancelled.</source>
        <translation>Abgebrochen.</translation>
    </message>
    <message>
        <source>{model} is the default model now.</source>
        <translation>{model} ist jetzt das Standardmodell.</translation>
    </message>
    <message>
        <source>Import a model</source>
        <translation>Ein Modell einlesen</translation>
    </message>
    <message>
        <source>Models (*.zip *.json);;All files (*)</source>
        <translation>Modelle (*.zip *.json);;Alle Dateien (*)</translation>
    </message>
    <message>
        <source>Imported: {models}.</source>
        <translation>Eingelesen: {models}.</translation>
    </message>
    <message>
        <source>Export the model</source>
        <translation>Das Modell ausgeben</translation>
    </message>
    <message>
        <source>Model archives (*.zip)</source>
        <translation>Archive von Modellen (*.zip)</translation>
    </message>
    <message>
        <source>Written: {file}. The licence of the weights goes with it.</source>
        <translation>Geschrieben: {file}. Die Lizenz der Gewichte liegt bei.</translation>
    </message>
    <message>
        <source>The weights of {model} were downloaded and verified.</source>
        <translation>Die Gewichte von {model} wurden heruntergeladen und geprüft.</translation>
    </message>
    <message>
        <source>The weights of {model} have the checksum on its card.</source>
        <translation>Die Gewichte von {model} haben die Prüfsumme auf der Karte.</translation>
    </message>
    <message>
        <source>Remove {model}, card and weights, for good? Export it first if you may want it again.</source>
        <translation>{model} mit Karte und Gewichten endgültig entfernen? Exportieren Sie es zuerst, wenn Sie es vielleicht wieder brauchen.</translation>
    </message>
    <message>
        <source>Remove a model</source>
        <translation>Ein Modell entfernen</translation>
    </message>
    <message>
        <source>{model} was removed.</source>
        <translation>{model} wurde entfernt.</translation>
    </message>
    <message>
        <source>Fine-tuned from it, and usable as before: {models}. Their lineage cannot show it any more.</source>
        <translation>Davon ausgehend trainiert und weiter nutzbar: {models}. Ihre Herkunft kann es nicht mehr zeigen.</translation>
    </message>
    <message>
        <source>Remove all downloaded weights ({size})? Models that use them have to be downloaded again. Your own and the packaged models stay.</source>
        <translation>Alle heruntergeladenen Gewichte entfernen ({size})? Modelle, die sie verwenden, müssen neu heruntergeladen werden. Ihre eigenen und die mitgelieferten Modelle bleiben.</translation>
    </message>
    <message>
        <source>Remove downloads</source>
        <translation>Heruntergeladenes entfernen</translation>
    </message>
    <message>
        <source>The downloaded weights were removed.</source>
        <translation>Die heruntergeladenen Gewichte wurden entfernt.</translation>
    </message>
</context>
<context>
    <name>sections.restore</name>
    <message>
        <source>You corrected this CT on {when}.</source>
        <translation>Sie haben dieses CT am {when} korrigiert.</translation>
    </message>
    <message>
        <source>You reviewed this CT on {when}.</source>
        <translation>Sie haben dieses CT am {when} begutachtet.</translation>
    </message>
    <message>
        <source>The review could not be restored.</source>
        <translation>Die Begutachtung konnte nicht wiederhergestellt werden.</translation>
    </message>
</context>
<context>
    <name>sections.results</name>
    <message>
        <source>Next flagged slice</source>
        <translation>Nächster Hinweis</translation>
    </message>
    <message>
        <source>Previous flagged slice</source>
        <translation>Voriger Hinweis</translation>
    </message>
    <message>
        <source>The segmentation was edited: measuring it again.</source>
        <translation>Die Segmentierung wurde bearbeitet: sie wird neu gemessen.</translation>
    </message>
    <message>
        <source>Corrected by the user. By the run: {category}, {ratio}.</source>
        <translation>Von Hand korrigiert. Nach dem Lauf: {category}, {ratio}.</translation>
    </message>
    <message>
        <source>n/a</source>
        <translation>k. A.</translation>
    </message>
    <message>
        <source>Rule</source>
        <translation>Regel</translation>
    </message>
    <message>
        <source>Infected</source>
        <translation>Befallen</translation>
    </message>
    <message>
        <source>Category</source>
        <translation>Schweregrad</translation>
    </message>
    <message>
        <source>No quality flag of this result names a slice.</source>
        <translation>Kein Qualitätshinweis dieses Ergebnisses nennt eine Schicht.</translation>
    </message>
    <message>
        <source>Show the next slice, towards the head, that a quality flag names.</source>
        <translation>Die nächste Schicht in Richtung Kopf zeigen, die ein Qualitätshinweis nennt.</translation>
    </message>
    <message>
        <source>Show the next slice, towards the feet, that a quality flag names.</source>
        <translation>Die nächste Schicht in Richtung Füße zeigen, die ein Qualitätshinweis nennt.</translation>
    </message>
    <message>
        <source>The slice could not be shown.</source>
        <translation>Die Schicht konnte nicht gezeigt werden.</translation>
    </message>
    <message>
        <source>Show the infected part of the lungs slice by slice in a plot view. Click a point to see its slice.</source>
        <translation>Den befallenen Teil der Lungen Schicht für Schicht in einer Kurve zeigen. Klicken Sie einen Punkt an, um seine Schicht zu sehen.</translation>
    </message>
    <message>
        <source>The chart or its table was deleted, or never made: run again to get a chart.</source>
        <translation>Die Kurve oder ihre Tabelle wurde gelöscht oder nie erstellt: ein neuer Lauf erstellt eine Kurve.</translation>
    </message>
</context>
<context>
    <name>sections.retrain</name>
    <message>
        <source>The training is finished.</source>
        <translation>Das Training ist fertig.</translation>
    </message>
    <message>
        <source>Cancelled.</source>
        <translation>Abgebrochen.</translation>
    </message>
    <message>
        <source>Cancelled: Resume goes on from the last checkpoint.</source>
        <translation>Abgebrochen: Fortsetzen macht vom letzten Zwischenstand an weiter.</translation>
    </message>
    <message>
        <source>Stopping: a step that is under way is kept.</source>
        <translation>Das Training endet: Ein begonnener Schritt bleibt erhalten.</translation>
    </message>
    <message>
        <source>The training could not be started.</source>
        <translation>Das Training konnte nicht begonnen werden.</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>Trainieren</translation>
    </message>
    <message>
        <source>Stop the training; it can be resumed.</source>
        <translation>Das Training abbrechen; es kann fortgesetzt werden.</translation>
    </message>
    <message>
        <source>Train in the background; you can go on working meanwhile.</source>
        <translation>Im Hintergrund trainieren; Sie können inzwischen weiterarbeiten.</translation>
    </message>
    <message>
        <source>A model is being added to yours.</source>
        <translation>Ein Modell wird zu Ihren hinzugefügt.</translation>
    </message>
    <message>
        <source>Resume or discard the interrupted training first.</source>
        <translation>Setzen Sie zuerst das unterbrochene Training fort, oder verwerfen Sie es.</translation>
    </message>
    <message>
        <source>Promote, keep or discard the last model first.</source>
        <translation>Machen Sie zuerst das letzte Modell zum Standard, behalten oder verwerfen Sie es.</translation>
    </message>
    <message>
        <source>There is no trained model to begin with.</source>
        <translation>Es gibt kein trainiertes Modell, mit dem begonnen werden kann.</translation>
    </message>
</context>
<context>
    <name>sections.review</name>
    <message>
        <source>Accept the case</source>
        <translation>Den Fall annehmen</translation>
    </message>
    <message>
        <source>Withdraw this verdict.</source>
        <translation>Dieses Urteil zurückziehen.</translation>
    </message>
    <message>
        <source>You edited lungs or lesions since the run: the verdict is Corrected.</source>
        <translation>Sie haben Lungen oder Läsionen seit dem Lauf bearbeitet: das Urteil ist Korrigiert.</translation>
    </message>
    <message>
        <source>The result is right as it is.</source>
        <translation>Das Ergebnis ist so richtig.</translation>
    </message>
    <message>
        <source>Nothing was edited since the run: edit lungs or lesions first, or accept.</source>
        <translation>Seit dem Lauf wurde nichts bearbeitet: bearbeiten Sie zuerst Lungen oder Läsionen, oder nehmen Sie an.</translation>
    </message>
    <message>
        <source>The result is right after your edits.</source>
        <translation>Das Ergebnis ist nach Ihren Änderungen richtig.</translation>
    </message>
    <message>
        <source>The result is of no use. Models never learn from rejected cases.</source>
        <translation>Das Ergebnis ist unbrauchbar. Modelle lernen nie von abgelehnten Fällen.</translation>
    </message>
    <message>
        <source>An earlier result was {verdict}.</source>
        <translation>Ein früheres Ergebnis war {verdict}.</translation>
    </message>
    <message>
        <source>An earlier result was {verdict} on {when}.</source>
        <translation>Ein früheres Ergebnis war {verdict}, am {when}.</translation>
    </message>
</context>
<context>
    <name>sections.run</name>
    <message>
        <source>The CT was removed from the scene, so its segmentation stopped.</source>
        <translation>Das CT wurde aus der Szene entfernt, daher endete seine Segmentierung.</translation>
    </message>
    <message>
        <source>The scene was closed, so the segmentation was stopped.</source>
        <translation>Die Szene wurde geschlossen, daher wurde die Segmentierung abgebrochen.</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Find lesions in these lungs</source>
        <translation>Läsionen in diesen Lungen suchen</translation>
    </message>
    <message>
        <source>Apply</source>
        <translation>Anwenden</translation>
    </message>
    <message>
        <source>Stop the run; the scene stays as it is.</source>
        <translation>Den Lauf abbrechen; die Szene bleibt, wie sie ist.</translation>
    </message>
    <message>
        <source>The run is being stopped.</source>
        <translation>Der Lauf wird abgebrochen.</translation>
    </message>
    <message>
        <source>Stop before the run; the scene stays as it is.</source>
        <translation>Vor dem Lauf abbrechen; die Szene bleibt, wie sie ist.</translation>
    </message>
    <message>
        <source>Load and select a chest CT first.</source>
        <translation>Laden Sie zuerst ein Thorax-CT, und wählen Sie es aus.</translation>
    </message>
    <message>
        <source>Choose which segment is which lung, under Inputs.</source>
        <translation>Wählen Sie unter Eingaben, welches Segment welche Lunge ist.</translation>
    </message>
    <message>
        <source>Segment the lesions in the chosen lungs, and grade the severity.</source>
        <translation>Die Läsionen in den gewählten Lungen segmentieren, und den Schweregrad bestimmen.</translation>
    </message>
    <message>
        <source>Segment the lungs and lesions, and grade the severity.</source>
        <translation>Lungen und Läsionen segmentieren, und den Schweregrad bestimmen.</translation>
    </message>
    <message>
        <source>Find the lungs only, to correct them before lesions are looked for.</source>
        <translation>Nur die Lungen finden, um sie zu korrigieren, bevor Läsionen gesucht werden.</translation>
    </message>
    <message>
        <source>The lungs are given: choose &apos;Find them&apos; under Inputs first.</source>
        <translation>Die Lungen sind gegeben: wählen Sie zuerst &apos;Selbst finden&apos; unter Eingaben.</translation>
    </message>
    <message>
        <source>Cancelled: nothing was changed.</source>
        <translation>Abgebrochen: nichts wurde geändert.</translation>
    </message>
    <message>
        <source>The segmentation could not be started.</source>
        <translation>Die Segmentierung konnte nicht begonnen werden.</translation>
    </message>
    <message>
        <source>The result could not be shown.</source>
        <translation>Das Ergebnis konnte nicht gezeigt werden.</translation>
    </message>
    <message>
        <source>Done.</source>
        <translation>Fertig.</translation>
    </message>
    <message>
        <source>Done; another CT is chosen now. Choose the one of the run to see its result.</source>
        <translation>Fertig; jetzt ist ein anderes CT gewählt. Wählen Sie das des Laufs, um sein Ergebnis zu sehen.</translation>
    </message>
    <message>
        <source>The lungs were found: correct them under Correction, then find the lesions.</source>
        <translation>Die Lungen wurden gefunden: korrigieren Sie sie unter Korrektur, und suchen Sie dann die Läsionen.</translation>
    </message>
</context>
</TS>
